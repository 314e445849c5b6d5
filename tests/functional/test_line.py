"""The whole line on in-memory ports: from a folder on the NAS to a verdict, and what the sweep mends."""

import pytest

from common.ledger.ledger import State
from common.store.object_key import ANNOTATIONS, METADATA, RAW
from functions.extract import main as extract_main
from tests.functional.line import Line
from tests.in_memory.requests import TOKEN, recorded
from tests.support.factories import real_path

CT = real_path().read_bytes()


def _poll_until_copied(line: Line) -> dict:
    line.send("poll_nas")
    line.clock.advance(60)
    return line.send("poll_nas").json


def test_folder_on_the_nas_becomes_judged_images(line: Line) -> None:
    """A dropped folder ends as a marked folder, a file in raw, rows and a verdict."""
    line.nas.write("CT Müller", "one/CT small.dcm", CT)
    line.nas.write("CT Müller", "Thumbs.db", b"junk")
    answer = _poll_until_copied(line)
    line.deliver()
    assert ("updates", 1) == (answer["status"], answer["folders"][0]["copied"])
    assert ["CT Müller_processed"] == line.nas.names()
    assert ["nas/CT Müller/one/CT small.dcm"] == line.store.keys(RAW)
    assert 1 == len(line.verdicts.verdicts)
    assert 1 == len(line.metadata.tables["image"])
    assert {State.DONE} == {row.state for row in line.table.rows.values()}


def test_poll_without_news_says_so(line: Line) -> None:
    """An empty NAS, and one whose folders are done, have no updates."""
    assert "no_updates" == line.send("poll_nas").json["status"]
    line.nas.write("a", "CT.dcm", CT)
    _poll_until_copied(line)
    assert {"status": "no_updates", "folders": [], "marked_folders": 1} == line.send("poll_nas").json


def test_nas_that_is_away_is_503(line: Line) -> None:
    """A NAS that does not answer makes a 503, and health says so."""
    line.nas.away = True
    response = line.send("poll_nas")
    assert (503, "5") == (response.status_code, response.headers["Retry-After"])
    health = line.send("poll_nas", method="GET").json
    assert "degraded" == health["status"]
    assert "ok" == health["checks"]["database"]
    assert "ok" != health["checks"]["NAS"]


def test_sweep_brings_lost_notifications_to_their_end(line: Line) -> None:
    """Whatever notification was lost, sweeps bring every object through the line."""
    line.put(RAW, "incoming/a/CT.dcm", CT)
    line.put(ANNOTATIONS, "labels.csv", b"image,label,value\n")
    for _ in range(3):
        line.lose_notifications()
        line.send("sweep")
    assert 1 == len(line.verdicts.verdicts)
    assert 1 == len(line.metadata.tables["instance"])
    assert 1 == len(line.labels.imports)
    assert {"status": "no_updates"} == line.send("sweep").json


def test_what_was_announced_needs_no_notification(line: Line) -> None:
    """A file of the NAS, its picture and its document come through though no notification ever arrives."""
    line.nas.write("a", "CT.dcm", CT)
    _poll_until_copied(line)
    for _ in range(3):
        line.lose_notifications()
        line.send("sweep")
    assert ["nas/a/CT.dcm"] == line.store.keys(RAW)
    assert (1, 1) == (len(line.verdicts.verdicts), len(line.metadata.tables["instance"]))
    assert {"status": "no_updates"} == line.send("sweep").json


def test_a_function_works_off_what_is_due(line: Line) -> None:
    """Asked for it, a function takes its items one after another, and tells how many ended how."""
    line.nas.write("a", "CT.dcm", CT)
    line.nas.write("a", "no.dcm", b"x" * 200)
    _poll_until_copied(line)
    line.lose_notifications()
    answer = line.send("extract", {"due": True}).json
    assert {"status": "worked", "items": {"done": 1, "quarantined": 1}} == answer
    assert {"status": "no_updates"} == line.send("extract", {"due": True}).json
    assert {"status": "worked", "items": {"done": 1}} == line.send("store_metadata").json


def test_sweep_tells_what_it_sent(line: Line) -> None:
    """The sweep answers counts by function and by what came of it."""
    line.put(RAW, "incoming/a/CT.dcm", CT)
    line.put(RAW, "incoming/a/no.dcm", b"x" * 200)
    line.lose_notifications()
    assert {"status": "sent", "functions": {"extract": {"settled": 2}}} == _without_later(line)


def _without_later(line: Line) -> dict:
    answer = line.send("sweep").json
    return answer | {"functions": {"extract": answer["functions"]["extract"]}}


def test_sweep_repairs_a_worker_that_was_lost(line: Line) -> None:
    """An item whose worker never came back is sent again once its lease is over."""
    version = line.put(RAW, "incoming/a/CT.dcm", CT)
    line.lose_notifications()
    extract_main._target()  # noqa: SLF001 built as at the first request
    from tests.in_memory.ledger import InMemoryLedger

    InMemoryLedger("extract", line.table).claim(version, lease_seconds=60)
    assert {"status": "no_updates"} == line.send("sweep").json
    line.clock.advance(61)
    line.send("sweep")
    row = line.row("extract")
    assert (State.DONE, 2) == (row.state, row.attempts)


def test_sweep_applies_held_labels(line: Line, future_key: str) -> None:
    """Labels that came before their image are given it by the sweep."""
    line.put(ANNOTATIONS, "labels.csv", f"image,label,value\n{future_key},fracture,1\n".encode())
    line.deliver()
    assert line.labels.labels[0].image is None
    line.put(RAW, "incoming/a/CT.dcm", CT)
    line.deliver()
    line.send("sweep")
    assert line.labels.labels[0].image is not None


@pytest.mark.parametrize("function", ["extract", "store_metadata"])
def test_run_without_an_event_works_off_what_is_due(line: Line, function: str) -> None:
    """With nothing due there are no updates."""
    assert {"status": "no_updates"} == line.send(function).json


@pytest.mark.parametrize("function", ["poll_nas", "sweep"])
def test_timer_functions_take_no_events(line: Line, function: str) -> None:
    """A notification sent to a function of the timer is refused."""
    assert 400 == line.send(function, recorded("raw_put")).status_code


@pytest.mark.parametrize(
    "function", ["annotations", "extract", "poll_nas", "quality", "store_metadata", "sweep"]
)
def test_every_function_answers_health_and_guards_its_token(line: Line, function: str) -> None:
    """GET tells each dependency; a POST with another token is 401."""
    assert "ok" == line.send(function, method="GET").json["status"]
    assert 401 == line.send(function, recorded("raw_put"), token=TOKEN[::-1]).status_code
    assert 401 == line.send(function, token=None).status_code


@pytest.mark.parametrize("function", ["annotations", "extract", "quality", "store_metadata"])
def test_malformed_body_is_400_and_harms_nothing(line: Line, function: str) -> None:
    """A body that is no event is the sender's fault."""
    for body in (b"[", b"null", {"Records": [None]}, {"bucket": METADATA}):
        assert 400 == line.send(function, body).status_code
    assert {} == line.table.rows


@pytest.mark.parametrize(
    ("function", "event"),
    [("extract", "raw_put"), ("store_metadata", "metadata_put"), ("annotations", "annotations_put")],
)
def test_store_or_ledger_away_is_503(line: Line, function: str, event: str) -> None:
    """A passing failure asks for the event again, whatever dependency it is."""
    line.store.away = True
    assert 503 == line.send(function, recorded(event)).status_code
    line.store.away, line.table.away = False, True
    assert 503 == line.send(function, recorded(event)).status_code


@pytest.mark.parametrize("function", ["extract", "poll_nas", "sweep", "quality"])
@pytest.mark.parametrize("variable", ["DCM2SET_TOKEN"])
def test_missing_setting_is_503_in_one_line(
    line: Line, monkeypatch: pytest.MonkeyPatch, function: str, variable: str
) -> None:
    """A function without its token refuses everything and says what is missing."""
    monkeypatch.delenv(variable)
    response = line.send(function, recorded("raw_put"))
    assert (503, f"{variable} is not set.") == (response.status_code, response.json["cause"])
