"""What the columns of a label table are, by their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.errors import PermanentError
from common.labels.label_text import NEXT
from functions.annotations.formats.image_name import IMAGE, INSTANCE, SERIES, STUDY

LONG, WIDE, CHEST_XRAY_14 = "long table", "wide table", "ChestX-ray14"
_MEANINGS = {
    "image": (
        *("image", "imagepath", "imageurl", "imageindex", "path", "file", "filename", "key", "url"),
        *("sopinstanceuid", "imageid"),
    ),
    "instance": ("instance", "instanceuid"),
    "series": ("series", "seriesuid", "seriesinstanceuid"),
    "study": ("study", "studyuid", "studyinstanceuid"),
    "level": ("level",),
    "frame": ("frame", "framenumber"),
    "label": ("label", "labels", "finding"),
    "value": ("value",),
    "findings": ("findinglabels",),
    "annotator": ("annotator", "annotatorid", "reader", "rater"),
    "time": ("time", "timestamp", "labelledat", "labeledat"),
}
# What the files of public data sets and spreadsheets say besides, of which nothing is a label.
_LEFT_OUT = {
    *("", "note", "notes", "comment", "comments", "split", "patientid", "patient", "subjectid", "studyid"),
    *("sex", "age", "frontal/lateral", "ap/pa", "patientage", "patientgender", "patientsex", "followup#"),
    *("viewposition", "originalimage[width", "height]", "originalimagepixelspacing[x", "y]"),
    *(
        "originalimagewidth",
        "originalimageheight",
        "originalimagepixelspacingx",
        "originalimagepixelspacingy",
    ),
}
_BY_NAME = {name: meaning for meaning, names in _MEANINGS.items() for name in names}
_NAMES = (IMAGE, INSTANCE, SERIES, STUDY)


@dataclass(frozen=True)
class Columns:
    """The header of a label table."""

    form: str  # long, wide, ChestX-ray14
    width: int
    places: dict[str, int]  # of each meaning
    labels: dict[int, str] = field(default_factory=dict)  # by place; wide only

    @property
    def names(self) -> list[tuple[str, int]]:
        """The columns that tell what is labelled, the image's before its instance's and so on."""
        return [(name, self.places[name]) for name in _NAMES if name in self.places]


def read_columns(header: Sequence[str]) -> Columns:
    """The columns of a header; PermanentError if it is none of a label table."""
    folded = [_folded(name) for name in header]
    places: dict[str, int] = {}
    others: dict[int, str] = {}
    for place, name in enumerate(folded):
        meaning = _BY_NAME.get(name)
        if meaning and meaning in places:
            raise PermanentError(
                f"Columns {places[meaning] + 1} and {place + 1} both are the {meaning}.", NEXT
            )
        if meaning:
            places[meaning] = place
        elif name not in _LEFT_OUT:
            others[place] = header[place]
    return _columns(len(header), places, others)


def tells_what(header: Sequence[str]) -> bool:
    """Whether one of the columns tells what is labelled."""
    return any(_BY_NAME.get(_folded(name)) in _NAMES for name in header)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _columns(width: int, places: dict[str, int], others: dict[int, str]) -> Columns:
    missing = [name for name in ("image", "label", "value") if name not in places]
    if not any(name in places for name in _NAMES):
        raise PermanentError(f"The label file has no column {', '.join(missing)}.", NEXT)
    if "findings" in places:
        _none(others)
        return Columns(CHEST_XRAY_14, width, places)
    if {"label", "value"} & places.keys():
        absent = [name for name in ("label", "value") if name not in places]
        if absent:
            raise PermanentError(f"The label file has no column {', '.join(absent)}.", NEXT)
        _none(others)
        return Columns(LONG, width, places)
    if not others:
        raise PermanentError("The label file has no column label, value.", NEXT)
    return Columns(WIDE, width, places, others)


def _none(others: dict[int, str]) -> None:
    """Refuse unknown columns, by number: a header may hold anything."""
    if others:
        numbers = ", ".join(str(place + 1) for place in others)
        raise PermanentError(f"The label file has unknown columns: number {numbers}.", NEXT)
