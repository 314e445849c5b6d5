"""The page of the audit, its CSV file, and the decisions from before there was an audit."""

import csv

import pytest

from common.database import connect
from infra.provision.schema import MIGRATIONS
from oversight.audit.spreadsheet import cell
from tests.support.page_bench import PageBench, SignedIn
from tests.support.page_rows import insert, insert_item

_FORMULA = '=HYPERLINK("http://example.org")'


@pytest.fixture
def audit(bench: PageBench) -> PageBench:
    """Events 1 to 300, one a minute from 2026-01-01 on: every third by anna, every tenth an overruling."""
    bench.database.run(
        "insert into audit_event (at, who, via, action, item_id, why, details) select "
        "timestamptz '2026-01-01 00:00+00' + i * interval '1 minute', "
        "case when i %% 3 = 0 then 'anna' else 'bob' end, 'page', "
        "case when i %% 10 = 0 then 'overrule' else 'view held picture' end, i %% 7, "
        "case i when 300 then %(formula)s when 299 then '<script>alert(1)</script>' end, "
        "case when i %% 10 = 0 then jsonb_build_object('verdict', 'good') end from generate_series(1, 300) i",
        formula=_FORMULA,
    )
    return bench


def _rows(user: SignedIn, **query: str) -> list[dict[str, str]]:
    answer = user.get("/audit/audit.csv", query_string=query)
    assert ("text/csv; charset=utf-8", "attachment; filename=audit.csv") == (
        answer.headers["Content-Type"],
        answer.headers["Content-Disposition"],
    )
    return list(csv.DictReader(answer.text.splitlines()))


def test_reviewers_and_operators_see_the_audit(audit: PageBench) -> None:
    """A viewer does not; what persons wrote is escaped."""
    for path in ("/audit/", "/audit/audit.csv"):
        assert 403 == audit.sign_in("viewer").get(path).status_code
    for role in ("reviewer", "operator"):
        text = audit.sign_in(role).get("/audit/").text
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert 100 == text.count("<time ")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 300),
        ({"who": "anna"}, 100),
        ({"action": "overrule"}, 30),
        ({"item": "6"}, 43),
        ({"who": "anna", "action": "overrule", "item": "2"}, 2),
        ({"since": "2026-01-01", "until": "2026-01-01"}, 300),
        ({"since": "2026-01-02"}, 0),
        ({"until": "2025-12-31"}, 0),
        ({"who": "carl"}, 0),
        ({"until": "9999-12-31"}, 300),
    ],
)
def test_the_csv_file_has_the_rows_of_the_filter(
    audit: PageBench, query: dict[str, str], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, the newest first, however many are read at a time; the download has a row of its own."""
    monkeypatch.setattr("functions.review.audit.audit_rows._CSV_ROWS", 7)
    operator = audit.sign_in("operator", name="olga")
    rows = [row for row in _rows(operator, **query) if row["who"] != "olga"]
    assert expected == len(rows)
    times = [row["at"] for row in rows]
    assert sorted(times, reverse=True) == times
    assert {"who": "olga", "details": query} == audit.database.one(
        "select who, details from audit_event where action = 'download audit'"
    )


def test_no_cell_is_a_formula(audit: PageBench) -> None:
    """What a spreadsheet would run is after a quotation mark; other texts are as they were."""
    rows = _rows(audit.sign_in("operator"), who="anna")
    assert f"'{_FORMULA}" == rows[0]["why"]
    assert '{"verdict": "good"}' == rows[0]["details"]
    for text in ("=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\uff1d1"):
        assert f"'{text}" == cell(text)
    assert ("a=1", 5, None) == (cell("a=1"), cell(5), cell(None))


def test_pages_of_the_audit_follow_one_another(audit: PageBench) -> None:
    """The link to older rows keeps the filter."""
    operator = audit.sign_in("operator")
    assert "/audit/?before=151&amp;who=bob" in operator.get("/audit/?who=bob").text
    assert "Older rows" not in operator.get("/audit/?who=bob&before=151").text
    assert "No row of this filter before these." in operator.get("/audit/?who=bob&before=1").text


@pytest.mark.parametrize(
    "query", ["item=x", "item=99999999999999999999", "since=yesterday", "until=2026-13-01", "action=dance"]
)
def test_a_wrong_filter_is_told(audit: PageBench, query: str) -> None:
    """With a sentence that says what was expected."""
    assert 400 == audit.sign_in("operator").get(f"/audit/?{query}").status_code


def test_decisions_of_before_the_audit_are_in_it(bench: PageBench, database_url: str) -> None:
    """The migration adds each of them once, with its time; those that have an event are left alone."""
    rows = bench.database
    released = {"released_by": "rita", "released_why": "No name.", "released_at": "2025-01-02 00:00+00"}
    insert_item(rows, "incoming/1.dcm", "refused", **released)
    rita = {"item_id": 1, "decided_by": "rita"}
    insert(rows, "refusal", **rita, decision="refused", why="A name.", decided_at="2025-01-01 00:00+00")
    insert(rows, "refusal", **rita, decision="undone", why="None.", decided_at="2025-01-03 00:00+00")
    erased = {"erased_by": "olga", "why": "Consent withdrawn.", "erased_at": "2025-01-04 00:00+00"}
    insert(rows, "erased_patient", patient_id="P1", **erased)
    known = {"at": "2025-01-03 00:00+00", "who": "rita", "via": "page", "action": "undo refusal"}
    insert(rows, "audit_event", **known, item_id=1)
    text = (MIGRATIONS / "0010_audit_filters.sql").read_text(encoding="utf-8")
    statement = text[text.index("insert into audit_event") :].encode()
    with connect(database_url) as connection:
        connection.execute(statement)
        connection.execute(statement)
    found = bench.database.all(
        "select at::date::text as day, who, via, action, item_id from audit_event order by at"
    )
    assert [
        ("2025-01-01", "rita", "shell", "refuse", 1),
        ("2025-01-02", "rita", "shell", "release", 1),
        ("2025-01-03", "rita", "page", "undo refusal", 1),
        ("2025-01-04", "olga", "shell", "erase", None),
    ] == [tuple(row.values()) for row in found]
