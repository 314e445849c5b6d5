"""Whether the object store of a home can be started on this machine."""

import os
from collections.abc import Iterator

from common.errors import PipelineError
from common.settings import Settings
from infra.health.finding import Finding
from infra.local.home import Home
from infra.local.stores.chosen_store import chosen_store


def store_findings(home: Home, settings: Settings) -> Iterator[Finding]:
    """The binary of the store that this home has, or that a new home gets."""
    try:
        program = chosen_store(home, settings).program
    except PipelineError as error:
        yield Finding("object store", False, str(error))
        return
    found = program.found()
    if found is None:
        yield Finding(
            program.title, True, f"not here yet; dcm2set up builds it once, which takes {program.cost}"
        )
    elif os.access(found, os.X_OK):
        yield Finding(program.title, True, str(found))
    else:
        yield Finding(program.title, False, f"{found} can't be executed; correct {program.setting}")
