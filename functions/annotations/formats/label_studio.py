"""Reads Label Studio: tasks in its JSON export, and annotations written by its target storage."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from common.labels.label_name import label_name
from functions.annotations.formats.image_name import IMAGE, SERIES, STUDY, ImageName, image_name
from functions.annotations.formats.label_row import ABSENT, LabelRow
from functions.annotations.formats.label_value import annotator_cell, label_time
from functions.annotations.formats.refused_row import Refusals, RowError
from functions.annotations.formats.vocabulary import Vocabulary

# Keys of a task's data that name what is shown; the first one present is used.
_IMAGE_KEYS = ("image", "img", "image_url", "url", "key", "sop_instance_uid")
_GROUP_KEYS = (("series_instance_uid", SERIES), ("study_instance_uid", STUDY))

EXPORT_AS_JSON = "Export the project as JSON, and put that file into the bucket."
_MINIMAL_KEYS = {"annotation_id", "created_at", "updated_at", "lead_time"}  # in every record of JSON-MIN
# Types of results that can be about a complete image; all others draw a region.
_OF_IMAGES = ("choices", "taxonomy", "textarea", "number", "rating", "datetime", "pairwise", "ranker")
_NUMBER = re.compile("[0-9]{0,9}")


def is_label_studio(element: object) -> bool:
    """Whether a JSON value is a task with annotations, or an annotation with its task."""
    return isinstance(element, dict) and (
        isinstance(element.get("annotations"), list)
        or (isinstance(element.get("task"), dict) and isinstance(element.get("result"), list))
    )


def is_minimal_export(element: object) -> bool:
    """Whether a JSON value is a record of JSON-MIN, which has a task's data and the answers side by side."""
    return isinstance(element, dict) and element.keys() >= _MINIMAL_KEYS


class TaskReader:
    """Reads tasks and annotations, one at a time."""

    def __init__(self, vocabulary: Vocabulary, refused: Refusals) -> None:
        self._vocabulary, self._refused = vocabulary, refused

    def rows(self, line: int, element: Mapping[str, Any]) -> Iterator[LabelRow]:
        """The labels of a task's annotations; predictions are left out."""
        task = element if "annotations" in element else element["task"]
        annotations = _current(element.get("annotations", [element]))
        if not annotations:
            return
        try:
            image = _image(task.get("data"))
        except RowError as error:
            self._refused.add(line, str(error))
            return
        for annotation in annotations:
            try:
                yield from self._annotation_rows(line, image, task, annotation)
            except RowError as error:
                self._refused.add(line, str(error))

    def _annotation_rows(
        self, line: int, image: ImageName, task: Mapping[str, Any], annotation: object
    ) -> Iterator[LabelRow]:
        """The labels in one annotation, and a row that marks its answer as complete.

        A cancelled annotation has no labels, and makes those of the annotator's earlier answers unknown.
        """
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
            raise RowError("The annotation has no list of results.")
        annotator = _annotator(annotation.get("completed_by"))
        time = label_time(str(annotation.get("updated_at") or annotation.get("created_at") or ""))
        given = task.get("project", annotation.get("project"))
        project = "" if given is None else str(given)
        if not _NUMBER.fullmatch(project):
            raise RowError("The project is not a number.")
        said = LabelRow(line, image, None, ABSENT, annotator, time, f"project {project}")
        if _is_cancelled(annotation):
            if image.level != IMAGE:
                raise RowError(f"The annotation is cancelled; labels of a {image.level} can't be withdrawn.")
            yield said._replace(value=None)
            return
        for label, value in self._values(line, annotation["result"], project).items():
            yield said._replace(label=label, value=value)
        if image.level == IMAGE:
            yield said

    def _values(self, line: int, results: Sequence[object], project: str) -> dict[str, float]:
        """1 for chosen labels, and 0 for the other labels that the vocabulary says were offered.

        A label that was chosen for a region is unknown for the image.
        """
        values = dict.fromkeys(self._vocabulary.offered(project), ABSENT)
        regions = _region_ids(results)
        for result in results:
            if not isinstance(result, dict) or (labels := _labels(result)) is None:
                self._refused.add(line, "A result is neither choices nor taxonomy.")
            elif _is_of_region(result, regions):
                self._refused.add(line, "A choice is about a region or one of several images, not the image.")
                for label in map(label_name, labels):
                    if values.get(label) == ABSENT:
                        del values[label]
            else:
                self._add(line, labels, values)
        return values

    def _add(self, line: int, labels: Iterable[str], values: dict[str, float]) -> None:
        for label in labels:
            try:
                values[self._vocabulary.label(label)] = 1.0
            except RowError as error:
                self._refused.add(line, str(error))


def _is_cancelled(annotation: object) -> bool:
    return isinstance(annotation, dict) and bool(annotation.get("was_cancelled"))


def _current(annotations: list[Any]) -> list[Any]:
    """The annotations; without cancelled ones of annotators who have another annotation of this task."""
    others = {_who(annotation) for annotation in annotations if not _is_cancelled(annotation)}
    return [one for one in annotations if not _is_cancelled(one) or _who(one) not in others]


def _who(annotation: object) -> str | None:
    return str(annotation.get("completed_by")) if isinstance(annotation, dict) else None


def _region_ids(results: Iterable[object]) -> set[str]:
    """The ids of drawn regions; a choice for a region has the region's id."""
    drawn = (one for one in results if isinstance(one, dict) and one.get("type") not in _OF_IMAGES)
    return {str(one["id"]) for one in drawn if one.get("id")}


def _is_of_region(result: Mapping[str, Any], regions: set[str]) -> bool:
    """Whether choices are about a region (perRegion) or about one image of a list (perItem).

    The value of such choices repeats the region's form, for example x, y, width and height.
    """
    return (
        result["value"].keys() != {result["type"]}
        or result.get("parentID") is not None
        or result.get("item_index") is not None
        or str(result.get("id")) in regions
    )


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
