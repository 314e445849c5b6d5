"""Carrying out the erasures that were asked for: when, in what order, and what becomes of failures."""

import threading
from typing import Any

import psycopg
import pytest

from common.database import Database
from common.errors import DependencyAwayError, TransientError
from infra.erasure import asked_erasures
from infra.erasure.asked_erasures import Attempt, carry_out_due, erase_now, erasing_when_asked
from oversight.erasure.erasure import Erasure
from oversight.erasure.requests import ask, withdraw
from tests.support.local_home import wait_for

FIRST, SECOND = f"P{'1' * 20}", f"P{'2' * 20}"
STORE: Any = None  # the erasure itself is replaced


class Erasing:
    """Takes the place of `erase_patient`."""

    def __init__(self) -> None:
        self.erased: list[tuple[str, str, str]] = []
        self.faults: list[Exception] = []

    def __call__(
        self, _url: str, _store: object, erasure: Erasure, *, who: str, why: str, seconds: float
    ) -> None:
        assert seconds > 0
        erasure.objects["raw"] += 1
        if self.faults:
            raise self.faults.pop(0)
        self.erased.append((erasure.patient, who, why))


@pytest.fixture
def erasing(monkeypatch: pytest.MonkeyPatch) -> Erasing:
    """Erasures that are only noted."""
    erasing = Erasing()
    monkeypatch.setattr(asked_erasures, "erase_patient", erasing)
    return erasing


def _ask(database: Database, patient: str = FIRST, *, seconds_ago: int = 60) -> None:
    with database.session() as connection:
        number = ask(connection, patient, who="olga", why="Withdrawn.")
    database.run(
        "update erasure_request set asked_at = now() - %(seconds)s * interval '1 second' where id = %(id)s",
        id=number,
        seconds=seconds_ago,
    )


def _carried_out(url: str, *, pause: float = 0) -> list[Attempt]:
    return list(carry_out_due(url, STORE, undo_seconds=10, pause_seconds=pause))


def _states(database: Database) -> list[tuple[Any, ...]]:
    rows = database.all("select state, attempts, cause from erasure_request order by id")
    return [tuple(row.values()) for row in rows]


def _actions(database: Database) -> list[str]:
    return [str(row["action"]) for row in database.all("select action from audit_event order by id")]


def test_what_can_still_be_withdrawn_waits(database: Database, database_url: str, erasing: Erasing) -> None:
    """An erasure is carried out after its time, unless it was withdrawn; what was found is stored."""
    _ask(database, seconds_ago=5)
    _ask(database, SECOND)
    assert [None] == [attempt.cause for attempt in _carried_out(database_url)]
    assert [(SECOND, "olga", "Withdrawn.")] == erasing.erased
    assert [("waiting", 0, None), ("done", 1, None)] == _states(database)
    with database.session() as connection:
        assert [True, False, False] == [withdraw(connection, number, who="otto") for number in (1, 1, 2)]
    database.run("update erasure_request set asked_at = now() - interval '1 hour'")
    assert [] == _carried_out(database_url)
    (row,) = database.all(
        "select outcome, finished_at is not null as ended from erasure_request where id = 2"
    )
    assert ({"raw": 1}, True) == (row["outcome"]["objects"], row["ended"])
    assert "patient" not in row["outcome"]
    assert ["ask erasure", "ask erasure", "erase", "withdraw erasure"] == _actions(database)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (TransientError("Files are still being processed."), "Files are still being processed."),
        (DependencyAwayError("The object store does not answer."), "The object store does not answer."),
        (
            psycopg.OperationalError("connection to server at 10.0.0.1 failed"),
            "The database does not answer.",
        ),
    ],
)
def test_what_fails_for_a_time_is_tried_again(
    database: Database, database_url: str, erasing: Erasing, fault: Exception, cause: str
) -> None:
    """With its cause, after a pause; what was found meanwhile counts, and the audit has one row."""
    _ask(database)
    erasing.faults = [fault, fault]
    (attempt,) = _carried_out(database_url)
    assert f"Erasure 1 waits: {cause}" == attempt.text
    assert [("waiting", 1, cause)] == _states(database)
    assert [] == _carried_out(database_url, pause=60)
    assert [cause] == [each.cause for each in _carried_out(database_url)]
    assert ["Erasure 1 is done."] == [each.text for each in _carried_out(database_url)]
    assert [("done", 3, None)] == _states(database)
    (row,) = database.all("select outcome from erasure_request")
    assert {"raw": 3} == row["outcome"]["objects"]
    assert ["ask erasure", "erase"] == _actions(database)


def test_an_unexpected_error_ends_one_request(
    database: Database, database_url: str, erasing: Erasing
) -> None:
    """It is told without its text, which may quote a value; the others are carried out."""
    _ask(database)
    _ask(database, SECOND)
    erasing.faults = [KeyError("Doe^Jane")]
    assert ["Unexpected KeyError.", None] == [attempt.cause for attempt in _carried_out(database_url)]
    assert [("failed", 1, "Unexpected KeyError."), ("done", 1, None)] == _states(database)
    assert [] == _carried_out(database_url)
    _ask(database)  # an operator asks again
    assert [None] == [attempt.cause for attempt in _carried_out(database_url)]


def test_what_was_killed_goes_on(database: Database, database_url: str, erasing: Erasing) -> None:
    """A request that is running although nobody has the lock is carried out again, at once."""
    _ask(database)
    erasing.faults = [KeyboardInterrupt()]  # type: ignore[list-item]  # as a kill, it leaves the row as it is
    with pytest.raises(KeyboardInterrupt):
        _carried_out(database_url)
    assert [("running", 1, None)] == _states(database)
    assert [None] == [attempt.cause for attempt in _carried_out(database_url, pause=60)]
    assert [("done", 2, None)] == _states(database)
    assert ["ask erasure", "erase"] == _actions(database)


def test_one_process_erases_at_a_time(database: Database, database_url: str, erasing: Erasing) -> None:
    """While another has the lock, nothing is done."""
    _ask(database)
    with psycopg.connect(database_url) as other:
        other.execute("select pg_advisory_xact_lock(hashtext('dcm2set erase'))")
        assert [] == _carried_out(database_url)
    assert [None] == [attempt.cause for attempt in _carried_out(database_url)]
    assert 1 == len(erasing.erased)


def test_the_shell_waits_for_nothing(database: Database, database_url: str, erasing: Erasing) -> None:
    """It carries out its own request at once, or the one that the page has for the same patient."""
    _ask(database, seconds_ago=0)
    for patient in (FIRST, SECOND):
        attempt = erase_now(database_url, STORE, patient, who="root", why="By hand.")
        assert attempt.cause is None
    assert [(FIRST, "olga", "Withdrawn."), (SECOND, "root", "By hand.")] == erasing.erased
    vias = [row["via"] for row in database.all("select via from erasure_request order by id")]
    assert ["page", "shell"] == vias
    assert ["ask erasure", "ask erasure", "erase", "ask erasure", "erase"] == _actions(database)


def test_a_thread_of_up_carries_out(
    database: Database, database_url: str, erasing: Erasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says each news once, survives a database that is away, and the end of `up` does not wait for it."""
    monkeypatch.setattr(asked_erasures, "_CHECK_SECONDS", 0.02)
    monkeypatch.setattr(asked_erasures, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(carry_out_due, "__kwdefaults__", {"pause_seconds": 0})
    blocked, said = threading.Event(), list[str]()
    away = DependencyAwayError("The object store does not answer.")
    erasing.faults = [away, away]
    _ask(database)
    with erasing_when_asked(database_url, STORE, undo_seconds=10, say=said.append):
        assert wait_for(lambda: len(said) == 2, seconds=20)
        monkeypatch.setattr(asked_erasures, "erase_patient", lambda *_, **__: blocked.wait(20))
        _ask(database, SECOND)
        assert wait_for(lambda: _states(database)[1][0] == "running", seconds=20)
    (thread,) = [each for each in threading.enumerate() if each.name == "erasures"]
    assert (True, True) == (thread.daemon, thread.is_alive())
    blocked.set()
    thread.join(20)
    assert ["Erasure 1 waits: The object store does not answer.", "Erasure 1 is done."] == said
