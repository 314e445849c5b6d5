"""One label as a file gives it."""

from datetime import datetime
from typing import NamedTuple

from functions.annotations.formats.image_name import ImageName


class LabelRow(NamedTuple):
    """One thing said of one image by one annotator.

    Without a label and a value it says that the annotator answered the control: labels chosen in it
    earlier and not repeated no longer hold.
    """

    line: int  # in the file, the header is line 1; of a JSON array the number of the task
    image: ImageName
    label: str | None
    value: float | None  # 1 present, 0 absent, -1 uncertain, or a probability
    annotator: str = ""
    labelled_at: datetime | None = None  # None: when it is imported
    control: str | None = None  # what was asked, in forms whose answer is a set of labels
