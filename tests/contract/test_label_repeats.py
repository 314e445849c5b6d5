"""Label files that come twice under different names, and files with many rows of one image."""

import json
from typing import Any, LiteralString

import pytest
from psycopg import Cursor, Rollback

from common.database import Database, Row
from functions.annotations.storage.import_steps import _SQL, Steps
from tests.contract.label_imports import KEY, UID, LabelFiles, counts
from tests.contract.tables import Tables
from tests.support.uids import uid

_EXPLAIN: LiteralString = "explain (analyze, format json) "
ANSWER = (
    f'[{{"id": 1, "project": 1, "data": {{"image": "{KEY}"}}, "annotations": [{{"completed_by": 1, "result": '
    '[{"type": "choices", "value": {"choices": ["a"]}}]}]}]'
)


@pytest.mark.parametrize(
    ("first", "earlier", "again"),
    [
        (f"image,label,value\n{KEY},a,1\n", {"accepted": 1}, {"repeated": 1}),
        (f"image,label,value\n{KEY},a,1\n{KEY},a,1\n", {"accepted": 1, "repeated": 1}, {"repeated": 2}),
        (
            f"image,label,value\n{KEY},a,1\n{KEY},b,x\n",
            {"accepted": 1, "refused": 1},
            {"repeated": 1, "refused": 1},
        ),
        (f"image,label,value\n{KEY},a,1\n{uid(9)}/1,a,1\n", {"accepted": 1, "held": 1}, {"repeated": 2}),
    ],
)
def test_the_same_bytes_under_another_name_change_nothing(
    labels: LabelFiles, first: str, earlier: dict[str, int], again: dict[str, int]
) -> None:
    """A newer label stays current if the file of an older one comes again under another name."""
    labels.tables.allocate(1)
    assert counts(**earlier) == labels.import_text(first, key="first")
    labels.import_rows(f"{KEY},a,0")
    assert {(f"{UID}/1", "a", ""): 0.0} == labels.current()
    for key in ("second", "third"):
        assert counts(**again) == labels.import_text(first, key=key)
    assert counts(**again) == labels.import_text(first, key="second")
    assert counts(**earlier) == labels.import_text(first, key="first")
    assert {(f"{UID}/1", "a", ""): 0.0} == labels.current()


def test_the_same_answers_under_another_name_change_nothing(labels: LabelFiles) -> None:
    """An export of Label Studio without times is no newer answer if it comes again."""
    labels.tables.allocate(1)
    assert counts("Label Studio", accepted=1) == labels.import_text(ANSWER)
    labels.import_text(ANSWER.replace('["a"]', "[]"))
    assert {(f"{UID}/1", "a", "1"): 0.0} == labels.current()
    assert counts("Label Studio", repeated=1) == labels.import_text(ANSWER)
    assert {(f"{UID}/1", "a", "1"): 0.0} == labels.current()


def test_many_contradictions_of_one_annotator(labels: LabelFiles) -> None:
    """Rows of one image and annotator that alternate between 1 and 0 are all refused; others are stored."""
    labels.tables.allocate(1)
    columns, number = "image,label,value,annotator", 2000 if labels.tables.database is None else 50_000
    rows = [f"{KEY},a,{row % 2},R" for row in range(number)]
    assert counts(accepted=1, refused=number) == labels.import_rows(*rows, f"{KEY},b,1,R", columns=columns)
    assert {(f"{UID}/1", "b", "R"): 1.0} == labels.current()


def test_many_answers_about_one_image(database: Database) -> None:
    """Answers of many annotators to one control are compared each with its own labels only."""
    labels = LabelFiles(Tables(database))
    labels.tables.allocate(1)
    for choices, value in (('["a"]', 1.0), ("[]", 0.0)):
        (task,) = json.loads(ANSWER.replace('["a"]', choices))
        (answer,) = task["annotations"]
        task["annotations"] = [answer | {"completed_by": who} for who in range(2000)]
        labels.import_text(json.dumps([task]))
        assert {(f"{UID}/1", "a", str(who)): value for who in range(2000)} == labels.current()


def _compared(plan: dict[str, Any]) -> int:
    """The pairs of rows that the joins of a plan compared in vain."""
    own = plan.get("Rows Removed by Join Filter", 0) * plan["Actual Loops"]
    return own + sum(map(_compared, plan.get("Plans", [])))


@pytest.mark.parametrize(
    "name", ["contradictions", "remove_contradictions", "remove_repeats", "withdraw_labels"]
)
def test_no_statement_compares_every_pair_of_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Rows compared in vain grow at most with the number of rows, also if all are of one image."""
    labels, found = LabelFiles(Tables(database)), list[int]()
    labels.tables.allocate(1)
    usual = Steps.__call__

    def explained(step: Steps, own: str, values: dict[str, Any] | None = None) -> Cursor[Row]:
        if own == name:
            with step.savepoint():
                (row,) = step._cursor.execute(_EXPLAIN + _SQL[name], values).fetchall()  # noqa: SLF001
                found.append(_compared(row["QUERY PLAN"][0]["Plan"]))
                raise Rollback  # the statement itself runs below
        return usual(step, own, values)

    monkeypatch.setattr(Steps, "__call__", explained)
    (task,) = json.loads(ANSWER)
    (answer,) = task["annotations"]
    task["annotations"] = [answer | {"completed_by": number % 1500, "result": []} for number in range(3000)]
    labels.import_rows(*[f"{KEY},a,{row % 2}" for row in range(3000)], f"{KEY},b,1", f"{KEY},b,1")
    labels.import_text(json.dumps([task]))
    assert found
    assert max(found) <= 2 * 3000
