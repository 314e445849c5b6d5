"""Label files in other forms than the long table."""

import json
from typing import Any

import pytest

from common.errors import PermanentError
from functions.annotations.formats.vocabulary import Vocabulary
from tests.support.label_files import IMAGE, UID, label_values, read
from tests.support.uids import uid

KEY = f"P0123456789abcdef0123/{uid(1)}/{uid(2)}/{IMAGE}"
CHEXPERT = "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema,Support Devices"


def test_wide_table() -> None:
    """One label a column: 1, 0, -1 (uncertain); blank cells and columns that are not labels are skipped."""
    text = f"{CHEXPERT}\n{IMAGE},Female,68,Frontal,AP,1.0,,-1.0\n{UID}/2.png,Male,7,Lateral,,,0.0,\n"
    file, rows, refused = read(text)
    assert ("wide table", []) == (file.form, refused)
    assert [(2, "No Finding", 1.0), (2, "Support Devices", -1.0), (3, "Edema", 0.0)] == [
        (row.line, row.label, row.value) for row in rows
    ]


def test_wrong_cells_of_a_wide_table_are_refused_alone() -> None:
    """A cell of a listed label with a wrong value is refused by line and column; other cells are accepted."""
    listed = Vocabulary(columns=frozenset({"b"}))
    _, rows, refused = read(f"image,a,b,c\n{IMAGE},1,maybe,0\nno image,1,1,1\n,1,1,1\n", listed)
    assert ["a", "c"] == [row.label for row in rows]
    assert [(2, "Column 3: value is not a number.")] == [(row.line, row.cause) for row in refused[:1]]
    assert [2, 3, 4] == [row.line for row in refused]


def test_chest_xray_14() -> None:
    """Findings are separated by bars; without a vocabulary only the findings become labels."""
    header = "Image Index,Finding Labels,Follow-up #,Patient ID"
    text = f"{header}\n{IMAGE},Edema|Mass,0,1\n{UID}_2.png,No Finding,0,2\n"
    assert [(2, "Edema", 1.0), (2, "Mass", 1.0), (3, "No Finding", 1.0)] == label_values(text)
    file, rows, _ = read(text)
    assert "ChestX-ray14" == file.form
    assert [2, 3] == [row.line for row in rows if row.label is None]


def test_chest_xray_14_with_a_vocabulary() -> None:
    """Labels in the vocabulary for `Finding Labels` that a row does not have are absent."""
    labels = ("Edema", "Mass", "Hernia")
    vocabulary = Vocabulary(frozenset({*labels, "PA"}), {"Finding Labels": labels})
    text = f"Image Index,Finding Labels\n{IMAGE},Mass\n"
    assert {(2, "Edema", 0.0), (2, "Mass", 1.0), (2, "Hernia", 0.0)} == set(label_values(text, vocabulary))


def test_unknown_labels_are_refused_with_the_nearest_name() -> None:
    """With a vocabulary, a row with an unknown label is refused in every form; the others are accepted."""
    vocabulary = Vocabulary(frozenset({"Pneumothorax", "Edema"}))
    _, rows, refused = read(
        f"image,label,value\n{IMAGE},pneumothorx,1\n{IMAGE},Edema,1\n{IMAGE},qqqq,1\n", vocabulary
    )
    assert ["Edema"] == [row.label for row in rows]
    assert "the nearest is Pneumothorax" in refused[0].cause
    assert (4, "label is not in the vocabulary.") == (refused[1].line, refused[1].cause)
    _, rows, refused = read(f"image,Edema,Edma\n{IMAGE},1,0\n{IMAGE},1,\n", vocabulary)
    assert ([2, 3], [(2, "Column 3: label is not in the vocabulary; the nearest is Edema.")]) == (
        [row.line for row in rows],
        [(row.line, row.cause) for row in refused],
    )


def test_json_lines() -> None:
    """One object a line, with the keys of the long form; only wrong lines are refused."""
    lines = [
        {"image": IMAGE, "label": "a", "value": 1},
        {
            "image": UID,
            "frame": 2,
            "label": "b",
            "value": "0,5",
            "annotator": 7,
            "time": "2026-01-01T00:00:00Z",
        },
        {"image": IMAGE, "label": "c", "value": [1]},
        {"image": IMAGE, "label": "d", "value": 1, "surprise": 2},
        {"image": [IMAGE], "label": "e", "value": 1},
        {"study_instance_uid": uid(1), "label": "f", "value": -1},
        [1],
    ]
    text = "\n".join(
        [json.dumps(line) for line in lines]
        + ["{broken", "", '{"image": "\\ud800", "label": "g", "value": 1}']
    )
    file, rows, refused = read(text)
    assert "JSON" == file.form
    assert [(1, "a", 1.0), (2, "b", 0.5), (6, "f", -1.0)] == [
        (row.line, row.label, row.value) for row in rows
    ]
    assert [3, 4, 5, 7, 8, 10] == [row.line for row in refused]
    assert ("7", 2, "study") == (rows[1].annotator, rows[1].image.frame, rows[2].image.level)


def _result(*choices: str, kind: str = "choices") -> dict[str, Any]:
    return {"from_name": "finding", "to_name": "img", "type": kind, "value": {kind: list(choices)}}


def _annotation(*results: object, **more: object) -> dict[str, Any]:
    return {
        "id": 5,
        "completed_by": 1,
        "updated_at": "2026-01-01T00:00:00.5Z",
        "result": list(results),
        **more,
    }


def _task(*annotations: object, image: object = f"s3://images-1/{KEY}", **more: object) -> dict[str, Any]:
    prediction = {"result": [_result("Predicted")], "model_version": "m"}
    return {
        "id": 1,
        "project": 3,
        "data": {"image": image},
        "predictions": [prediction],
        "annotations": list(annotations),
        **more,
    }


def test_label_studio_export() -> None:
    """Chosen labels of every annotator are 1; predictions are left out, cancelled annotations withdraw."""
    tasks = [
        _task(
            _annotation(_result("a", "b")), _annotation(_result("a"), completed_by={"id": 2, "email": "x@y"})
        ),
        _task(_annotation(_result("c"), was_cancelled=True)),
        _task(_annotation()),
        _task(),
    ]
    file, rows, refused = read(json.dumps(tasks, indent=1))
    assert ("Label Studio", []) == (file.form, refused)
    assert [(1, "a", "1"), (1, "b", "1"), (1, "a", "2")] == [
        (row.line, row.label, row.annotator) for row in rows if row.label
    ]
    assert [(1, "1", 0.0), (1, "2", 0.0), (2, "1", None), (3, "1", 0.0)] == [
        (row.line, row.annotator, row.value) for row in rows if row.label is None
    ]
    assert {"project 3"} == {row.control for row in rows}


@pytest.mark.parametrize("indent", [None, 2])
def test_label_studio_target_storage(indent: int | None) -> None:
    """An annotation that contains its task, as the target storage writes it."""
    task = _task()
    del task["annotations"]
    element = _annotation(_result("a"), task=task, was_cancelled=False)
    file, rows, refused = read(json.dumps(element, indent=indent))
    assert ("Label Studio", [], ["a", None]) == (file.form, refused, [row.label for row in rows])
    element["was_cancelled"] = True
    assert [(None, None)] == [(row.label, row.value) for row in read(json.dumps(element, indent=indent))[1]]


def test_label_studio_taxonomy() -> None:
    """A path in a taxonomy is one label, with its names joined by slashes."""
    taxonomy = {"from_name": "t", "type": "taxonomy", "value": {"taxonomy": [["Lung", "Opacity"], ["Bone"]]}}
    assert [(1, "Lung/Opacity", 1.0), (1, "Bone", 1.0)] == label_values(
        json.dumps([_task(_annotation(taxonomy))])
    )


def test_label_studio_with_a_vocabulary() -> None:
    """Labels that a control of the project offers and the annotator did not choose are absent."""
    offered = {"finding": ("a", "b"), "3/view": ("PA", "AP"), "4/other": ("z",)}
    vocabulary = Vocabulary(frozenset({"a", "b", "PA", "AP", "z"}), offered)
    found = label_values(json.dumps([_task(_annotation(_result("a"), _result("AP")))]), vocabulary)
    assert {("a", 1.0), ("b", 0.0), ("PA", 0.0), ("AP", 1.0)} == {(label, value) for _, label, value in found}
    _, rows, refused = read(json.dumps([_task(_annotation(_result("aa")))]), vocabulary)
    assert {0.0} == {row.value for row in rows}
    assert 1 == len(refused)


@pytest.mark.parametrize(
    "task",
    [
        _task(_annotation(_result("x", kind="rectanglelabels"))),
        _task(_annotation({"type": "choices", "value": {"choices": [1]}})),
        _task(_annotation({"type": ["choices"], "value": {"choices": ["a"]}})),
        _task(_annotation({"type": "taxonomy", "value": {"taxonomy": ["a"]}})),
        _task(_annotation("nothing")),
        _task(_annotation(result=None)),
        _task(_annotation(_result("a"), updated_at="soon")),
        _task("annotation"),
        _task(_annotation(_result("a")), image=None),
        _task(_annotation(_result("a")), image="../x.png"),
        _task(_annotation(_result("a")), data={"left": IMAGE, "right": f"{UID}/2.png"}),
        _task(_annotation(_result("a")), data=None),
        {"id": 1, "label": "a"},
        None,
        7,
    ],
)
def test_wrong_tasks_are_refused_alone(task: object) -> None:
    """A task or result that can't be read is refused with the task's number; the others are accepted."""
    good = _task(_annotation(_result("a")))
    _, rows, refused = read(json.dumps([good, task, good]))
    assert {1, 3} <= {row.line for row in rows if row.label}
    assert {2} == {row.line for row in refused}


@pytest.mark.parametrize("wrong", [None, 7, {"image": IMAGE}, {"image": IMAGE, "label": "a"}])
def test_wrong_first_values_are_refused_alone(wrong: object) -> None:
    """Rows and tasks are accepted also if the first values of the file are wrong."""
    good = {"image": IMAGE, "label": "a", "value": 1}
    text = "\n".join(json.dumps(line) for line in ({"image": IMAGE}, wrong, good))
    for file, rows, refused in (read(text), read(json.dumps([wrong, wrong, good]))):
        assert ("JSON", [3], [1, 2]) == (
            file.form,
            [row.line for row in rows],
            [row.line for row in refused],
        )
    file, rows, refused = read(json.dumps([wrong, _task(_annotation(_result("a")))]))
    assert ("Label Studio", {2}, 1) == (file.form, {row.line for row in rows}, len(refused))


def test_image_under_another_key() -> None:
    """The only value of a task's data that names an image is used; a series may be labelled, too."""
    task = _task(
        _annotation(_result("a")), data={"xray": f"http://s/b/{KEY}?X-Amz-Signature=1", "note": "fine"}
    )
    assert UID == read(json.dumps([task]))[1][0].image.uid
    task = _task(_annotation(_result("a")), data={"image": UID, "frame": None})
    assert (UID, None) == read(json.dumps([task]))[1][0].image[1:3]
    task = _task(_annotation(_result("a")), data={"series_instance_uid": uid(2)})
    assert ["series"] == [row.image.level for row in read(json.dumps([task]))[1]]


@pytest.mark.parametrize(
    "text",
    [
        *("[", "[1", "{", '{"a": 1}', "[1, 2]", '[{"coco": 1}]', "[" * 100_000, '{"a":' * 100_000, "[]]"),
        *(
            json.dumps([_task()])[:-5],
            json.dumps([_task()]) + "x",
            f"[{'9' * 10_000}]",
            "{\n" + "x" * 9_000_000,
            json.dumps([{"coco": 1}] * 1000 + [{"image": IMAGE, "label": "a", "value": 1}]),
        ),
        '[{"annotations": [' + '"x",' * 2_500_000,
    ],
)
def test_other_json_is_refused(text: str) -> None:
    """JSON that is truncated, too deep, too large or of another kind raises PermanentError."""
    with pytest.raises(PermanentError) as caught:
        read(text, size=100_000)
    assert caught.value.next_step


def test_array_is_read_in_chunks() -> None:
    """Tasks are read one by one, from chunks of any size."""
    text = json.dumps([_task(_annotation(_result(f"label {number}"))) for number in range(50)])
    for size in (1, 13, 4096):
        _, rows, refused = read(text, size=size)
        assert ([], 50) == (refused, sum(row.label is not None for row in rows))
    assert [] == read("[]")[1]
