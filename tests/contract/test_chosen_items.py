"""Which items a person means by number, cause and device."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from common.database import Database, connect
from oversight.decisions.chosen import Choice, NotChosenError, check_settled, choose_in_state, outlook
from oversight.decisions.replay import choose_items

_CAUSE = "Text was found in frame 1."


@pytest.fixture
def connection(database: Database, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Items in every state: 1 and 2 held, 3 done, 4 quarantined, 5 running, 6 due, 7 refused."""
    states = ("held", "held", "done", "quarantined", "running", "retry", "refused")
    for number, state in enumerate(states, start=1):
        database.run(
            "insert into ledger_item (function, bucket, key, etag, state, cause, device) "
            "values ('extract', 'raw', %(key)s, 'e', %(state)s, %(cause)s, %(device)s)",
            key=f"incoming/{number}",
            state=state,
            cause=_CAUSE if state == "held" else "It is cut.",
            device=f"ACME {number}",
        )
    with connect(database_url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        (Choice(items=[2, 1]), [1, 2]),
        (Choice(cause=_CAUSE), [1, 2]),
        (Choice(device="ACME 2"), [2]),
        (Choice(items=[1], device="ACME 1", cause=_CAUSE), [1]),
    ],
)
def test_what_is_meant_is_found(
    connection: psycopg.Connection[Any], choice: Choice, numbers: list[int]
) -> None:
    """All conditions are true of every item that is found."""
    assert numbers == [item.id for item in choose_in_state(connection, choice, "held")]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(items=[1, 99]), "There is no item 99"),
        (Choice(items=[1, 3]), "Item 3 is not held: it is done"),
        (Choice(items=[4]), "dcm2set replay --item 4"),
        (Choice(items=[5]), "Item 5 is in the pipeline already"),
        (Choice(items=[6]), "Item 6 is in the pipeline already"),
        (Choice(items=[7]), "A person refused item 7; .* dcm2set refuse --undo --item 7"),
        (Choice(items=[1], function="quality"), "only for items of quality"),
        (Choice(cause="It is cut."), "No item is held with exactly this cause"),
        (Choice(device="ACME"), "No item is held with exactly this device"),
        (Choice(device="ACME 2", items=[1]), "No item is held that all of this is true of"),
        (Choice(nothing_found=True), "No item is held that all of this is true of"),
    ],
)
def test_what_is_unknown_is_told(connection: psycopg.Connection[Any], choice: Choice, words: str) -> None:
    """One wrong number, cause or device, and no item is chosen."""
    with pytest.raises(NotChosenError, match=words):
        choose_in_state(connection, choice, "held")


@pytest.mark.parametrize(
    ("items", "function", "words"),
    [
        ([99], None, "There is no item 99"),
        ([6], None, "already"),
        ([7], None, "refused item 7"),
        ([], "extrakt", "There are extract, quality"),
    ],
)
def test_a_replay_of_something_unknown_is_told(
    connection: psycopg.Connection[Any], items: list[int], function: str | None, words: str
) -> None:
    """A number without an item, an item in work, and a function that does not exist."""
    with pytest.raises(NotChosenError, match=words):
        check_settled(connection, items, function, ["extract", "quality"])


def test_settled_items_may_be_replayed(connection: psycopg.Connection[Any]) -> None:
    """Items that are done, held or quarantined, and every function."""
    check_settled(connection, [1, 3, 4], "extract", ["extract"])
    assert 7 == len(connection.execute("select from ledger_item").fetchall())


def test_a_replay_says_what_it_will_do(connection: psycopg.Connection[Any]) -> None:
    """A sentence for each state: held items are held again, finished ones are drawn again."""
    held, done, quarantined = outlook(choose_items(connection, items=[1, 2, 3, 4]))
    assert held.startswith("2 held item(s): read and searched again, and held again unless")
    assert done.startswith("1 finished item(s): worked on again")
    assert "1 quarantined item(s): tried again." == quarantined
    assert [] == outlook([])
