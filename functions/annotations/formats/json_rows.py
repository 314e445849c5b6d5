"""Reads rows from JSON values: tasks of Label Studio, or objects with the keys of the long form."""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.annotations.formats.image_name import IMAGE, LEVELS, ImageName, image_name
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_studio import TaskReader, is_label_studio
from functions.annotations.formats.label_value import (
    Cache,
    annotator_cell,
    checked_value,
    label_time,
    label_value,
)
from functions.annotations.formats.refused_row import Refusals, RowError
from functions.annotations.formats.vocabulary import Vocabulary

LABEL_STUDIO, LONG_JSON = "Label Studio", "JSON"
_NAMES = {"image": IMAGE} | {f"{level}_instance_uid": level for level in LEVELS if level != IMAGE}
_NAMES |= {"sop_instance_uid": IMAGE}
_KEYS = {*_NAMES, "label", "value", "annotator", "time", "frame", "level"}


def form_of(element: object) -> str | None:
    """The form that a JSON value is a row of; None if it is not a row."""
    if is_label_studio(element):
        return LABEL_STUDIO
    return LONG_JSON if isinstance(element, dict) and {"label", "value"} <= element.keys() else None


class JsonRows:
    """Reads JSON values, one at a time."""

    def __init__(self, vocabulary: Vocabulary, refused: Refusals) -> None:
        self._refused = refused
        self._tasks = TaskReader(vocabulary, refused)
        self._labels = Cache(vocabulary.label)
        self._images: Cache[tuple[str, str, str], ImageName] = Cache(lambda cells: image_name(*cells))

    def rows(self, line: int, element: object) -> Iterator[LabelRow]:
        """The rows of one value; wrong ones are refused."""
        if is_label_studio(element) and isinstance(element, dict):
            yield from self._tasks.rows(line, element)
            return
        try:
            yield self._row(line, element)
        except RowError as error:
            self._refused.add(line, str(error))

    def _row(self, line: int, element: object) -> LabelRow:
        if not isinstance(element, dict):
            raise RowError("It is not a JSON object.")
        if not element.keys() <= _KEYS:
            raise RowError(f"It has keys besides {', '.join(sorted(_KEYS))}.")
        value = _value(element.get("value"))
        label = self._labels[_text(element, "label")]
        annotator = annotator_cell(_text(element, "annotator"))
        return LabelRow(
            line, self._image(element), label, value, annotator, label_time(_text(element, "time"))
        )

    def _image(self, element: Mapping[str, Any]) -> ImageName:
        for key, level in _NAMES.items():
            name = _text(element, key).strip()
            if name:
                wanted = (_text(element, "level").strip().lower() or level) if level == IMAGE else level
                return self._images[name, wanted, _text(element, "frame") if wanted == IMAGE else ""]
        raise RowError("The image is empty.")


def _value(value: object) -> float:
    if isinstance(value, (int, float)):
        return checked_value(value)
    number = label_value(value) if isinstance(value, str) else None
    if number is None:
        raise RowError("value is not a number.")
    return number


def _text(element: Mapping[str, Any], key: str) -> str:
    value = element.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise RowError(f"{key} is not text.")
    return str(value)
