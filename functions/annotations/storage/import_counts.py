"""The counts of one import."""

from collections.abc import Callable
from dataclasses import dataclass

from functions.annotations.formats.refused_row import Refusals


@dataclass(frozen=True)
class ImportCounts:
    """What was done with the rows of a label file; each label of an image counts as one row."""

    form: str  # the recognised form of the file
    accepted: int = 0  # labels of known images
    repeated: int = 0  # labels that the same file has more than once, or an earlier one of the same bytes
    superseded: int = 0  # earlier labels of the same annotators, replaced by these
    held: int = 0  # labels of images that are not known yet
    refused: int = 0


Report = Callable[[ImportCounts, Refusals], None]
