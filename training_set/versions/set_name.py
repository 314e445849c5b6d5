"""What a training set may be called, and where its versions lie."""

import re

from common.errors import PermanentError
from common.store.object_key import TRAINING_SETS, Location

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def checked_name(name: str) -> str:
    """The name, which becomes part of keys and folders; PermanentError for any other."""
    if not _NAME.fullmatch(name):
        raise PermanentError(
            "A training set's name has 1 to 63 lower-case letters, digits, - and _, a letter or digit first."
        )
    return name


def frozen_place(name: str, number: int, file: str) -> Location:
    """Where a frozen file of a version lies."""
    return Location(TRAINING_SETS, f"{name}/v{number}/{file}")
