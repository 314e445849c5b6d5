"""The contract of the label rows, in memory and in Postgres: answers of Label Studio."""

from tests.contract.label_imports import KEY, UID, LabelFiles, counts


def _task(
    *,
    choices: list[str],
    time: str,
    who: int = 1,
    image: str = KEY,
    project: int = 1,
    is_cancelled: bool = False,
) -> str:
    picked = ", ".join(f'"{choice}"' for choice in choices)
    result = f'{{"type": "choices", "from_name": "c", "value": {{"choices": [{picked}]}}}}' if choices else ""
    return (
        f'{{"id": 1, "project": {project}, "data": {{"image": "s3://b/{image}"}}, "annotations": '
        f'[{{"completed_by": {who}, "updated_at": "2026-01-0{time}", "result": [{result}], '
        f'"was_cancelled": {str(is_cancelled).lower()}}}]}}'
    )


def test_answer_withdraws_labels_that_it_does_not_choose(labels: LabelFiles) -> None:
    """A label chosen earlier and not in a newer answer is 0 from then on."""
    labels.tables.allocate(1)
    assert counts("Label Studio", accepted=2) == labels.import_text(
        f"[{_task(choices=['a', 'b'], time='1')}]"
    )
    assert counts("Label Studio", accepted=1, superseded=2) == labels.import_text(
        f"[{_task(choices=['b'], time='3')}]"
    )
    assert {(f"{UID}/1", "a", "1"): 0.0, (f"{UID}/1", "b", "1"): 1.0} == labels.current()
    labels.import_text(f"[{_task(choices=['a'], time='2')}]")  # an older answer that comes later
    assert {(f"{UID}/1", "a", "1"): 0.0, (f"{UID}/1", "b", "1"): 1.0} == labels.current()
    labels.import_text(f"[{_task(choices=[], time='4')}]")
    assert {(f"{UID}/1", "a", "1"): 0.0, (f"{UID}/1", "b", "1"): 0.0} == labels.current()


def test_answer_withdraws_no_other_labels(labels: LabelFiles) -> None:
    """Labels of other annotators, other projects and tables stay as they are."""
    labels.tables.allocate(1)
    labels.import_rows(f"{KEY},t,1,1", columns="image,label,value,annotator")
    labels.import_text(
        f"[{_task(choices=['a'], time='1', who=2)}, {_task(choices=['p'], time='1', project=2)}]"
    )
    labels.import_text(f"[{_task(choices=[], time='2')}]")
    assert {1.0} == set(labels.current().values())
    assert 3 == len(labels.current())


def test_answers_are_held_too(labels: LabelFiles) -> None:
    """Answers about an image that comes later are applied in the order in which they were given."""
    labels.import_text(f"[{_task(choices=['a'], time='1')}]")
    labels.import_text(f"[{_task(choices=[], time='2')}]")
    labels.tables.allocate(1)
    assert 1 == labels.tables.labels.apply_held()
    assert {(f"{UID}/1", "a", "1"): 0.0} == labels.current()
    assert 0 == labels.tables.labels.apply_held()


def _rows(labels: LabelFiles) -> list[tuple[str, float | None]]:
    """Every stored label and its value, in the order of their times."""
    if labels.tables.database is None:
        stored = sorted(labels.tables.labels.labels, key=lambda label: label.order)  # type: ignore[attr-defined]
        return [(label.row.label, label.row.value) for label in stored]
    rows = labels.tables.database.all(
        "select n.name as label, l.value from label l join label_name n on n.id = l.label_id "
        "order by labelled_at, import_id, l.id"
    )
    return [(row["label"], row["value"]) for row in rows]


def test_a_cancelled_annotation_is_withdrawn_and_stays_in_the_history(labels: LabelFiles) -> None:
    """The current labels of an annotation that is cancelled later are gone, and its rows are kept."""
    labels.tables.allocate(1)
    labels.import_text(f"[{_task(choices=['a'], time='1')}, {_task(choices=['b'], time='1', who=2)}]")
    cancelled = labels.import_text(f"[{_task(choices=['a'], time='2', is_cancelled=True)}]")
    assert counts("Label Studio", superseded=1) == cancelled
    assert {(f"{UID}/1", "b", "2"): 1.0} == labels.current()
    assert [("a", 1.0), ("b", 1.0), ("a", None)] == _rows(labels)
    labels.import_text(f"[{_task(choices=['a'], time='2', is_cancelled=True)} ]")  # once more changes nothing
    assert 3 == len(_rows(labels))


def test_a_cancelled_annotation_that_comes_first(labels: LabelFiles) -> None:
    """An annotation that is older than its cancellation and comes later does not become current."""
    labels.tables.allocate(1)
    labels.import_text(f"[{_task(choices=[], time='2', is_cancelled=True)}]")
    labels.import_text(f"[{_task(choices=['a'], time='1')}]")
    assert ({}, [("a", 1.0), ("a", None)]) == (labels.current(), _rows(labels))


def test_a_cancellation_of_the_same_time(labels: LabelFiles) -> None:
    """An annotation that is cancelled without a new time is withdrawn by the later file."""
    labels.tables.allocate(1)
    labels.import_text(f"[{_task(choices=['a'], time='1')}]")
    labels.import_text(f"[{_task(choices=['a'], time='1', is_cancelled=True)}]")
    assert {} == labels.current()


def test_an_answer_after_a_cancelled_one(labels: LabelFiles) -> None:
    """An annotator who answers again after a cancellation has labels again: chosen ones and absent ones."""
    labels.tables.allocate(1)
    labels.import_text(f"[{_task(choices=['a', 'b'], time='1')}]")
    labels.import_text(f"[{_task(choices=[], time='2', is_cancelled=True)}]")
    labels.import_text(f"[{_task(choices=['b'], time='3')}]")
    assert {(f"{UID}/1", "a", "1"): 0.0, (f"{UID}/1", "b", "1"): 1.0} == labels.current()


def test_cancelled_annotations_are_held_too(labels: LabelFiles) -> None:
    """A cancellation about an image that comes later withdraws the labels that are held, too."""
    labels.import_text(f"[{_task(choices=['a'], time='1')}]")
    labels.import_text(f"[{_task(choices=['a'], time='2', is_cancelled=True)}]")
    labels.tables.allocate(1)
    assert 1 == labels.tables.labels.apply_held()
    assert {} == labels.current()


def test_a_cancelled_annotation_withdraws_no_other_labels(labels: LabelFiles) -> None:
    """Labels of other projects, other images and tables stay."""
    labels.tables.allocate(1)
    labels.import_rows(f"{KEY},t,1,1", columns="image,label,value,annotator")
    labels.import_text(f"[{_task(choices=['p'], time='1', project=2)}]")
    labels.import_text(f"[{_task(choices=[], time='2', is_cancelled=True)}]")
    assert {(f"{UID}/1", "t", "1"): 1.0, (f"{UID}/1", "p", "1"): 1.0} == labels.current()
