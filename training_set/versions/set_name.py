"""The name of a training set and the locations of its frozen files."""

import re

from common.errors import PermanentError
from common.store.object_key import TRAINING_SETS, Location

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def checked_name(name: str) -> str:
    """Return a valid name; PermanentError otherwise. Names become parts of keys and folders."""
    if not _NAME.fullmatch(name):
        raise PermanentError(
            "A training set's name has 1 to 63 lower-case letters, digits, - and _; "
            "it begins with a letter or digit."
        )
    return name


def frozen_location(name: str, number: int, file: str) -> Location:
    """Return the location of a frozen file of a version."""
    return Location(TRAINING_SETS, f"{name}/v{number}/{file}")
