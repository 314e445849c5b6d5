"""What became of a label file."""

from collections.abc import Callable
from dataclasses import dataclass

from functions.annotations.formats.refused_row import Refusals


@dataclass(frozen=True)
class ImportCounts:
    """What became of a label file's rows, one for each label of an image."""

    form: str  # as the file was recognised
    accepted: int = 0  # labels now on images
    repeated: int = 0  # said before in the same file
    superseded: int = 0  # labels of the same annotators that these took the place of
    held: int = 0  # labels of images that aren't known yet
    refused: int = 0


Report = Callable[[ImportCounts, Refusals], None]
