"""The contract of the label rows, in memory and in Postgres: answers of Label Studio."""

from tests.contract.label_imports import KEY, UID, LabelFiles, counts


def _task(*, choices: list[str], time: str, who: int = 1, image: str = KEY, project: int = 1) -> str:
    picked = ", ".join(f'"{choice}"' for choice in choices)
    result = f'{{"type": "choices", "from_name": "c", "value": {{"choices": [{picked}]}}}}' if choices else ""
    return (
        f'{{"id": 1, "project": {project}, "data": {{"image": "s3://b/{image}"}}, "annotations": '
        f'[{{"completed_by": {who}, "updated_at": "2026-01-0{time}", "result": [{result}]}}]}}'
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
