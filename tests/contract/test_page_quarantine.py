"""The page of quarantined items, and putting them back."""

import pytest

from common.errors import DependencyAwayError
from common.store.object_key import Location
from functions.review.quarantine import quarantined
from tests.support.page_bench import PageBench
from tests.support.page_rows import insert_item

_CAUSE = "Not a DICOM file."


@pytest.fixture
def quarantine(bench: PageBench) -> PageBench:
    """Items 1 to 3 are quarantined for one cause, the object of 3 is gone; 4 has another cause; 5 is held."""
    for bucket in ("raw", "quarantine"):
        bench.store.ensure_bucket(bucket)
    for number in range(1, 6):
        key = f"incoming/Doe^Jane/{number}.dcm"
        etag = "gone"
        if number != 3:
            location = Location("quarantine", f"raw/{key}")
            etag = bench.store.put(location, b"%d" % number, content_type="application/dicom").etag
        held = {"state": "held"} if number == 5 else {"state": "quarantined"}
        insert_item(
            bench.database, key, **held, etag=etag, cause="Too large." if number == 4 else _CAUSE,
            next_step="Send it again.", moved_to_bucket="quarantine", moved_to_key=f"raw/{key}",
            device="<script>alert(1)</script>",
        )  # fmt: skip
    return bench


def _states(bench: PageBench) -> list[str]:
    return [row["state"] for row in bench.database.all("select state from ledger_item order by id")]


def test_everybody_sees_causes_and_items(quarantine: PageBench) -> None:
    """With number, next step and device, and without a name; only an operator has the buttons."""
    viewer = quarantine.sign_in("viewer")
    text = viewer.get("/quarantine/").text
    assert _CAUSE in text
    assert "Send it again." in text
    assert "&lt;script&gt;alert(1)" in text
    assert ("Doe" in text, "<script>alert" in text, "/quarantine/replay" in text) == (False, False, False)
    assert 'href="/items/4"' in text
    assert 'href="/items/4"' not in viewer.get("/quarantine/", query_string={"cause": _CAUSE}).text
    assert "/quarantine/replay" in quarantine.sign_in("operator").get("/quarantine/").text


@pytest.mark.parametrize("roles", [["viewer"], ["reviewer"]])
def test_only_an_operator_puts_back(quarantine: PageBench, roles: list[str]) -> None:
    """Nothing changes for others."""
    assert 403 == quarantine.sign_in(*roles).post("/quarantine/replay", item="1").status_code
    assert ["quarantined"] * 4 + ["held"] == _states(quarantine)


def test_one_item_is_put_back(quarantine: PageBench) -> None:
    """Its object lies where it arrived, it is due again, and the audit tells who did it."""
    answer = quarantine.sign_in("operator").post("/quarantine/replay", item="1")
    assert (303, "/quarantine/?put_back=1") == (answer.status_code, answer.headers["Location"])
    assert ["retry", *["quarantined"] * 3, "held"] == _states(quarantine)
    assert quarantine.store.exists(Location("raw", "incoming/Doe^Jane/1.dcm"))
    assert {"who": "nurse", "via": "page", "action": "replay", "item_id": 1} == quarantine.database.one(
        "select who, via, action, item_id from audit_event"
    )


def test_a_cause_is_put_back_and_each_failure_is_told(quarantine: PageBench) -> None:
    """An item whose object is gone stays, without a row in the audit; the others are put back."""
    operator = quarantine.sign_in("operator")
    answer = operator.post("/quarantine/replay", function="extract", cause=_CAUSE)
    assert 409 == answer.status_code
    assert "2 item(s) put back. These were not:" in answer.text
    assert 'href="/items/3">Item 3</a>: ' in answer.text
    assert ["retry", "retry", "quarantined", "quarantined", "held"] == _states(quarantine)
    replays = quarantine.database.all("select item_id from audit_event where action = 'replay' order by id")
    assert [1, 2] == [row["item_id"] for row in replays]


def test_only_quarantined_items_are_put_back(quarantine: PageBench) -> None:
    """A held item needs a decision, a number of no item is told, and a form without a choice is refused."""
    operator = quarantine.sign_in("operator")
    for number in ("5", "99"):
        answer = operator.post("/quarantine/replay", item=number)
        assert (409, True) == (answer.status_code, "It is no longer quarantined." in answer.text)
    for fields in ({}, {"function": "extract"}, {"cause": _CAUSE}, {"item": "x"}, {"item": "9" * 30}):
        assert 400 == operator.post("/quarantine/replay", **fields).status_code, fields
    assert ["quarantined"] * 4 + ["held"] == _states(quarantine)


def test_the_rest_is_not_tried_when_the_store_is_away(
    quarantine: PageBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try would wait for the store again."""

    def stat(location: Location) -> None:
        raise DependencyAwayError("The object store does not answer.")

    monkeypatch.setattr(quarantine.store, "stat", stat)
    text = quarantine.sign_in("operator").post("/quarantine/replay", function="extract", cause=_CAUSE).text
    assert "0 item(s) put back" in text
    assert "The object store does not answer." in text
    assert "2 more were not tried." in text
    assert ["quarantined"] * 4 + ["held"] == _states(quarantine)


def test_items_come_in_pages(quarantine: PageBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One form puts back so many items at most; the next page begins after the last item."""
    quarantine.database.run("delete from ledger_item where id = 3")
    first = quarantined.listed(quarantine.database, quarantined.Group(), most=2)
    rest = quarantined.listed(quarantine.database, quarantined.Group(), after=first[-1]["id"])
    assert ([1, 2], [4]) == ([row["id"] for row in first], [row["id"] for row in rest])
    monkeypatch.setattr("functions.review.quarantine.quarantine_page.AT_ONCE", 1)
    operator = quarantine.sign_in("operator")
    assert 303 == operator.post("/quarantine/replay", function="extract", cause=_CAUSE).status_code
    assert ["retry", "quarantined", "quarantined", "held"] == _states(quarantine)
