"""Recognises the columns of a label table by their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.errors import PermanentError
from common.labels.label_text import NEXT_STEP
from functions.annotations.formats.image_name import IMAGE, INSTANCE, SERIES, STUDY
from functions.annotations.formats.label_studio import EXPORT_AS_JSON
from functions.annotations.names.bookkeeping import is_bookkeeping

LONG, WIDE, CHEST_XRAY_14 = "long table", "wide table", "ChestX-ray14"
_MEANINGS = {
    "image": (
        *("image", "imagepath", "imageurl", "imageindex", "path", "file", "filename", "key", "url"),
        *("sopinstanceuid", "imageid", "dicomid"),
    ),
    "instance": ("instance", "instanceuid"),
    "series": ("series", "seriesuid", "seriesinstanceuid"),
    "study": ("study", "studyuid", "studyinstanceuid"),
    "level": ("level",),
    "frame": ("frame", "framenumber"),
    "label": ("label", "labels", "finding", "class", "classname"),
    "value": ("value",),
    "findings": ("findinglabels",),
    "annotator": (
        *("annotator", "annotatorid", "annotatedby", "labeler", "labelerid", "labeller", "labelledby"),
        *("grader", "graderid", "labeledby", "observer", "observerid", "reviewer", "reviewerid"),
        *("radid", "radiologist", "radiologistid", "rater", "raterid", "reader", "readerid"),
    ),
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
# More columns of PadChest, beside its lists of labels.
_PADCHEST = {
    *("imagedir", "pediatric", "projection", "methodprojection", "methodlabel", "reportid", "report"),
    *("patientbirth", "exposuretime", "localizations", "labelslocalizationsbysentence", "labelcuis"),
    "localizationscuis",
}
_PATIENT_ID = "patientid"  # RSNA's name of an image
_LABEL_STUDIO = {"annotationid", "createdat", "updatedat", "leadtime"}  # in all of its tables, beside others
_REMOVE_COLUMNS = (
    "Remove these columns, or give the file another form of docs/labels.md, and put it into the bucket again."
)
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
    if _LABEL_STUDIO.issubset(folded):
        raise PermanentError(
            "It is a CSV or TSV export of Label Studio. Such a table does not say which columns are answers, "
            "which answers are about a region, and which project they are of.",
            EXPORT_AS_JSON,
        )
    has_image = any(_BY_NAME.get(name) in _TARGETS for name in folded)
    positions: dict[str, int] = {}
    others: dict[int, str] = {}
    for position, name in enumerate(folded):
        meaning = IMAGE if name == _PATIENT_ID and not has_image else _BY_NAME.get(name)
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
    folded = [_folded(name) for name in header]
    return _PATIENT_ID in folded or any(_BY_NAME.get(name) in _TARGETS for name in folded)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _columns(width: int, positions: dict[str, int], others: dict[int, str]) -> Columns:
    missing = [name for name in ("image", "label") if name not in positions]
    if not any(name in positions for name in _TARGETS):
        raise PermanentError(f"The label file has no column {', '.join(missing)}.", NEXT_STEP)
    if "findings" in positions:
        _check_none(others)
        return Columns(CHEST_XRAY_14, width, positions)
    if "label" in positions:
        _check_none(others if "value" in positions else _beside_labels(others))
        return Columns(LONG, width, positions)
    if "value" in positions or not others:
        raise PermanentError("The label file has no column label.", NEXT_STEP)
    return Columns(WIDE, width, positions, others)


def _beside_labels(others: dict[int, str]) -> dict[int, str]:
    """The columns that PadChest does not have."""
    folded = {position: _folded(name) for position, name in others.items()}
    return {
        position: others[position]
        for position, name in folded.items()
        if name not in _PADCHEST and not name.endswith("dicom")
    }


def _check_none(others: dict[int, str]) -> None:
    """Refuse unknown columns by number, because a header may contain anything; known names are given, too."""
    if others:
        columns = ", ".join(
            f"{position + 1} ({name.strip()})" if name.strip() and is_bookkeeping(name) else f"{position + 1}"
            for position, name in others.items()
        )
        raise PermanentError(f"The label file has unknown columns: number {columns}.", _REMOVE_COLUMNS)
