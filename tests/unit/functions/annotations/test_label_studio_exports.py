"""Exports of Label Studio as its converter writes them, and choices about regions or cancelled ones."""

import csv
import io
import json
from typing import Any

import pytest

from common.errors import PermanentError
from functions.annotations.formats.vocabulary import Vocabulary
from tests.support.label_files import IMAGE, read
from tests.support.uids import uid

BOX = {"x": 10.5, "y": 20.0, "width": 30.25, "height": 40.0, "rotation": 0}
SIZE = {"original_width": 512, "original_height": 512, "image_rotation": 0}
# A record of the converter: data of the task, answers by their control, and what it adds to each.
RECORD = {
    "id": 1,
    "image": f"s3://images-1/{IMAGE}",
    "finding": "Fracture",
    "view": {"choices": ["PA", "AP"]},
    "box": [BOX | {"rectanglelabels": ["Nodule"], "original_width": 512, "original_height": 512}],
    "annotator": 1,
    "annotation_id": 11,
    "created_at": "2026-11-23T16:05:00.000000Z",
    "updated_at": "2026-11-23T16:07:00.000000Z",
    "lead_time": 4.288,
}


def _table(separator: str, **more: object) -> str:
    """The record in the form of csv2: columns by name, every text in quotation marks, lists as JSON."""
    texts = {name: json.dumps(value) for name, value in RECORD.items() if isinstance(value, (dict, list))}
    cells = RECORD | texts | {"annotator": str(RECORD["annotator"])} | more
    out = io.StringIO()
    writer = csv.DictWriter(out, sorted(cells), quoting=csv.QUOTE_NONNUMERIC, delimiter=separator)
    writer.writeheader()
    writer.writerow(cells)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("more", [{}, {"agreement": 0.5, "history": "[]"}, {"label": "Fracture"}])
def test_csv_and_tsv_exports_are_refused_completely(separator: str, more: dict[str, object]) -> None:
    """`lead_time` and `id` become no labels: the cause says why, and to export JSON instead."""
    with pytest.raises(PermanentError, match="CSV or TSV export of Label Studio") as caught:
        read(_table(separator, **more))
    assert "as JSON" in str(caught.value.next_step)


@pytest.mark.parametrize("more", [{}, {"label": "Fracture", "value": "1"}, {"agreement": 100.0}])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_min_is_refused_completely(indent: int | None, more: dict[str, object]) -> None:
    """The cause names JSON-MIN, and the next step is the JSON export."""
    text = "[\n" + json.dumps(RECORD | more, indent=indent) + "\n]"
    with pytest.raises(PermanentError, match="JSON-MIN") as caught:
        read(text)
    assert "as JSON" in str(caught.value.next_step)


def _choices(*choices: str, **more: Any) -> dict[str, Any]:
    value = {"choices": [*choices]} | more.pop("value", {})
    return {"id": "w", "from_name": "finding", "to_name": "img", "type": "choices", "value": value} | more


def _task(*annotations: dict[str, Any], **data: str) -> str:
    task = {"id": 1, "project": 3, "data": data or {"image": IMAGE}, "annotations": [*annotations]}
    return json.dumps([task])


def _annotation(*results: dict[str, Any], **more: object) -> dict[str, Any]:
    said = {"completed_by": 1, "updated_at": "2026-01-01T00:00:00Z", "was_cancelled": False}
    return said | {"result": [*results]} | more


REGION = {
    "id": "r",
    "from_name": "box",
    "to_name": "img",
    "type": "rectanglelabels",
    "value": BOX | {"rectanglelabels": ["Box"]},
    **SIZE,
}


@pytest.mark.parametrize(
    "choice",
    [
        _choices("Nodule", id="r", value=BOX, **SIZE),
        _choices("Nodule", id="r"),
        _choices("Nodule", id="p", parentID="r"),
        _choices("Nodule", id="q", value={"points": [[1, 2], [3, 4]], "closed": True}),
        _choices("Nodule", id="b", value={"format": "rle", "rle": [1, 2]}),
        _choices("Nodule", id="i", item_index=1),
        {**_choices(id="t", value=BOX), "type": "taxonomy", "value": BOX | {"taxonomy": [["Nodule"]]}},
    ],
)
def test_choices_of_a_region_label_no_image(choice: dict[str, Any]) -> None:
    """A choice about a drawn region, or one image of a list, is refused; choices about the image are kept."""
    vocabulary = Vocabulary(frozenset({"Mass", "Nodule", "Hernia"}), {"finding": ("Nodule", "Hernia")})
    _, rows, refused = read(_task(_annotation(_choices("Mass"), REGION, choice)), vocabulary)
    assert {("Mass", 1.0), ("Hernia", 0.0), (None, 0.0)} == {(row.label, row.value) for row in rows}
    causes = [row.cause for row in refused]
    assert 2 == len(causes)
    assert any("region or one of several images" in cause for cause in causes)


def test_a_cancelled_annotation_withdraws_the_answer() -> None:
    """It has no labels, and says that earlier ones of its annotator are unknown again."""
    text = _task(_annotation(_choices("Mass"), was_cancelled=True), _annotation(completed_by=2))
    _, rows, refused = read(text)
    assert [] == refused
    assert [("1", None, None), ("2", None, 0.0)] == [(row.annotator, row.label, row.value) for row in rows]


def test_a_cancelled_annotation_beside_another_one_of_its_annotator_is_left_out() -> None:
    """Of two annotations of one annotator in a task, the one that stands counts."""
    _, rows, _ = read(_task(_annotation(_choices("Mass")), _annotation(was_cancelled=True)))
    assert [("Mass", 1.0), (None, 0.0)] == [(row.label, row.value) for row in rows]


def test_a_cancelled_annotation_of_a_series_is_refused() -> None:
    """Labels of a series, which have no answers, can't be withdrawn, and the cause says so."""
    _, rows, refused = read(_task(_annotation(was_cancelled=True), series_instance_uid=uid(2)))
    assert ([], ["series" in row.cause for row in refused]) == (rows, [True])
