"""Recognises the columns of a label table by their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.errors import PermanentError
from common.labels.label_text import NEXT_STEP
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
# Columns in files of public data sets and spreadsheets that are not labels.
_IGNORED = {
    *(
        "",
        "line",
        "note",
        "notes",
        "comment",
        "comments",
        "split",
        "patientid",
        "patient",
        "subjectid",
        "studyid",
    ),
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
_TARGETS = (IMAGE, INSTANCE, SERIES, STUDY)


@dataclass(frozen=True)
class Columns:
    """The header of a label table."""

    form: str  # long, wide, ChestX-ray14
    width: int
    positions: dict[str, int]  # of the column with each meaning
    labels: dict[int, str] = field(default_factory=dict)  # names by position; only in a wide table

    @property
    def targets(self) -> list[tuple[str, int]]:
        """Level and position of the columns that name what is labelled, the image first, the study last."""
        return [(name, self.positions[name]) for name in _TARGETS if name in self.positions]


def read_columns(header: Sequence[str]) -> Columns:
    """The columns of a header; PermanentError if it is not the header of a label table."""
    folded = [_folded(name) for name in header]
    positions: dict[str, int] = {}
    others: dict[int, str] = {}
    for position, name in enumerate(folded):
        meaning = _BY_NAME.get(name)
        if meaning and meaning in positions:
            raise PermanentError(
                f"Columns {positions[meaning] + 1} and {position + 1} both are the {meaning}.", NEXT_STEP
            )
        if meaning:
            positions[meaning] = position
        elif name not in _IGNORED:
            others[position] = header[position]
    return _columns(len(header), positions, others)


def has_target(header: Sequence[str]) -> bool:
    """Whether one of the columns names what is labelled."""
    return any(_BY_NAME.get(_folded(name)) in _TARGETS for name in header)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _columns(width: int, positions: dict[str, int], others: dict[int, str]) -> Columns:
    missing = [name for name in ("image", "label", "value") if name not in positions]
    if not any(name in positions for name in _TARGETS):
        raise PermanentError(f"The label file has no column {', '.join(missing)}.", NEXT_STEP)
    if "findings" in positions:
        _check_none(others)
        return Columns(CHEST_XRAY_14, width, positions)
    if {"label", "value"} & positions.keys():
        absent = [name for name in ("label", "value") if name not in positions]
        if absent:
            raise PermanentError(f"The label file has no column {', '.join(absent)}.", NEXT_STEP)
        _check_none(others)
        return Columns(LONG, width, positions)
    if not others:
        raise PermanentError("The label file has no column label, value.", NEXT_STEP)
    return Columns(WIDE, width, positions, others)


def _check_none(others: dict[int, str]) -> None:
    """Refuse unknown columns; the message gives their numbers only, because a header may contain anything."""
    if others:
        numbers = ", ".join(str(position + 1) for position in others)
        raise PermanentError(f"The label file has unknown columns: number {numbers}.", NEXT_STEP)
