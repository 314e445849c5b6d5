"""What differs between two versions, as `dcm2set diff` tells it; for sets that are not too large."""

from importlib.util import find_spec
from typing import Any

from common.errors import PermanentError
from common.store.object_store import ObjectStore
from functions.review.sets.set_files import TABLE, FrozenFiles

_MOST_IMAGES = 50_000  # of the larger version: about a second
_NOT_HERE = "The numbers of images, labels and patients that changed are told by"


def find_differences(store: ObjectStore, older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """The differences between the versions of two rows.

    Raises PermanentError, with the command that shows them, if they can't be shown here.
    """
    command = f"dcm2set diff {newer['name']} {older['number']} {newer['number']}"
    if find_spec("pyarrow") is None:
        raise PermanentError(f"The page runs without the packages of training sets. {_NOT_HERE} {command}.")
    if max(row["counts"]["images"] for row in (older, newer)) > _MOST_IMAGES:
        raise PermanentError(f"The versions are too large to compare here. {_NOT_HERE} {command}.")
    from training_set.versions.differences import differences
    from training_set.versions.frozen_set import FrozenSet, read_table

    frozen = []
    for row in (older, newer):
        files = FrozenFiles(store, row["name"], row["number"], row["digest"])
        head = files.head()
        frozen.append(FrozenSet(head, read_table(files.read(TABLE, head))))
    return differences(*frozen)
