"""Reads Label Studio: tasks in its JSON export, and annotations written by its target storage."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from functions.annotations.formats.image_name import IMAGE, SERIES, STUDY, ImageName, image_name
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_value import annotator_cell, label_time
from functions.annotations.formats.refused_row import Refusals, RowError
from functions.annotations.formats.vocabulary import Vocabulary

# Keys of a task's data that name what is shown; the first one present is used.
_IMAGE_KEYS = ("image", "img", "image_url", "url", "key", "sop_instance_uid")
_GROUP_KEYS = (("series_instance_uid", SERIES), ("study_instance_uid", STUDY))

_NUMBER = re.compile("[0-9]{0,9}")


def is_label_studio(element: object) -> bool:
    """Whether a JSON value is a task with annotations, or an annotation with its task."""
    return isinstance(element, dict) and (
        isinstance(element.get("annotations"), list)
        or (isinstance(element.get("task"), dict) and isinstance(element.get("result"), list))
    )


class TaskReader:
    """Reads tasks and annotations, one at a time."""

    def __init__(self, vocabulary: Vocabulary, refused: Refusals) -> None:
        self._vocabulary, self._refused = vocabulary, refused

    def rows(self, line: int, element: Mapping[str, Any]) -> Iterator[LabelRow]:
        """The labels of a task's annotations; predictions and cancelled annotations are left out."""
        task = element if "annotations" in element else element["task"]
        annotations = element.get("annotations", [element])
        valid = [a for a in annotations if not (isinstance(a, dict) and a.get("was_cancelled"))]
        if not valid:
            return
        try:
            image = _image(task.get("data"))
        except RowError as error:
            self._refused.add(line, str(error))
            return
        for annotation in valid:
            try:
                yield from self._annotation_rows(line, image, task, annotation)
            except RowError as error:
                self._refused.add(line, str(error))

    def _annotation_rows(
        self, line: int, image: ImageName, task: Mapping[str, Any], annotation: object
    ) -> Iterator[LabelRow]:
        """The labels in one annotation, and a row that marks its answer as complete."""
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
            raise RowError("The annotation has no list of results.")
        annotator = _annotator(annotation.get("completed_by"))
        time = label_time(str(annotation.get("updated_at") or annotation.get("created_at") or ""))
        given = task.get("project", annotation.get("project"))
        project = "" if given is None else str(given)
        if not _NUMBER.fullmatch(project):
            raise RowError("The project is not a number.")
        control = f"project {project}"
        for label, value in self._values(line, annotation["result"], project).items():
            yield LabelRow(line, image, label, value, annotator, time, control)
        if image.level == IMAGE:
            yield LabelRow(line, image, None, None, annotator, time, control)

    def _values(self, line: int, results: Iterable[object], project: str) -> dict[str, float]:
        """1 for chosen labels, and 0 for the other labels that the vocabulary says were offered."""
        values = dict.fromkeys(self._vocabulary.offered(project), 0.0)
        for label in self._chosen(line, results):
            try:
                values[self._vocabulary.label(label)] = 1.0
            except RowError as error:
                self._refused.add(line, str(error))
        return values

    def _chosen(self, line: int, results: Iterable[object]) -> Iterator[str]:
        """The chosen labels; other kinds of results are refused."""
        for result in results:
            labels = _labels(result) if isinstance(result, dict) else None
            if labels is None:
                self._refused.add(line, "A result is neither choices nor taxonomy.")
            else:
                yield from labels


def _image(data: object) -> ImageName:
    """The image of a task: by the usual keys of its data, or else by the one value that names an image."""
    if not isinstance(data, dict):
        raise RowError("The task has no data.")
    for key in _IMAGE_KEYS:
        if isinstance(data.get(key), str):
            frame = data.get("frame")
            return image_name(data[key].strip(), IMAGE, "" if frame is None else str(frame))
    for key, level in _GROUP_KEYS:
        if isinstance(data.get(key), str):
            return image_name(data[key].strip(), level)
    named = {name for value in data.values() if isinstance(value, str) and (name := _named(value))}
    if len(named) != 1:
        raise RowError("The task's data names no image, or several.")
    return named.pop()


def _named(value: str) -> ImageName | None:
    try:
        return image_name(value.strip())
    except RowError:
        return None


def _labels(result: Mapping[str, Any]) -> list[str] | None:
    """The labels in a result; None if it has none.

    A choice is a label; a path in a taxonomy is one label, with its names joined by slashes.
    """
    kind, value = result.get("type"), result.get("value")
    if not isinstance(kind, str) or not isinstance(value, dict):
        return None
    chosen = value.get(kind)
    if not isinstance(chosen, list):
        return None
    if kind == "choices" and all(isinstance(choice, str) for choice in chosen):
        return chosen
    if kind == "taxonomy" and all(isinstance(path, list) and path for path in chosen):
        return ["/".join(map(str, path)) for path in chosen]
    return None


def _annotator(completed_by: object) -> str:
    """The annotator's number; an e-mail address is refused, because it names a person."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("id", completed_by.get("email", ""))
    text = "" if completed_by is None else str(completed_by)
    # Label Studio counts its users over all customers of its cloud, so a number may have many digits.
    return text if type(completed_by) is int and _NUMBER.fullmatch(text) else annotator_cell(text)
