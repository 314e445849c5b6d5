"""One label in a label file."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from functions.annotations.formats.image_name import ImageName

ABSENT = 0.0


class LabelRow(NamedTuple):
    """One label that one annotator gave to one image.

    A row without a label means that the annotator answered the control. Its value is the new one of labels
    that were chosen in an earlier answer and are not in this one: absent, or None if the answer was
    cancelled, and these labels are unknown again.
    """

    line: int  # in the file, where the header is line 1; in a JSON array, the number of the task
    image: ImageName
    label: str | None
    value: float | None  # 1 present, 0 absent, -1 uncertain, or a probability; None: see above
    annotator: str = ""
    labelled_at: datetime | None = None  # None: the time of the import
    control: str | None = None  # the question, in forms where an answer is a set of labels


_Cells = tuple[int, ImageName, str | None, float | None, str, datetime | None, str | None]
# Makes a row of all its fields in a third of the time of the class: tables have millions of rows.
row_of: Callable[[_Cells], LabelRow] = partial(tuple.__new__, LabelRow)
