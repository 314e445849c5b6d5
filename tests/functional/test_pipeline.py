"""The pipeline on in-memory ports: from a folder on the NAS to a verdict, and repairs by the sweep."""

import pytest

from common.ledger.ledger import State
from common.store.object_key import ANNOTATIONS, METADATA, RAW
from functions.extract import main as extract_main
from tests.functional.pipeline import Pipeline
from tests.in_memory.requests import TOKEN, recorded
from tests.support.factories import real_path

CT = real_path().read_bytes()


def _poll_until_copied(pipeline: Pipeline) -> dict:
    pipeline.send("poll_nas")
    pipeline.clock.advance(60)
    return pipeline.send("poll_nas").json


def test_folder_on_the_nas_becomes_judged_images(pipeline: Pipeline) -> None:
    """A new folder becomes a marked folder, a file in raw, rows and a verdict."""
    pipeline.nas.write("CT Müller", "one/CT small.dcm", CT)
    pipeline.nas.write("CT Müller", "Thumbs.db", b"junk")
    answer = _poll_until_copied(pipeline)
    pipeline.deliver()
    assert ("updates", 1) == (answer["status"], answer["folders"][0]["copied"])
    assert ["CT Müller_processed"] == pipeline.nas.names()
    assert ["nas/CT Müller/one/CT small.dcm"] == pipeline.store.keys(RAW)
    assert 1 == len(pipeline.verdicts.verdicts)
    assert 1 == len(pipeline.metadata.tables["image"])
    assert {State.DONE} == {row.state for row in pipeline.table.rows.values()}


def test_poll_without_changes_has_no_updates(pipeline: Pipeline) -> None:
    """A poll of an empty NAS, or of one with finished folders only, has no updates."""
    assert "no_updates" == pipeline.send("poll_nas").json["status"]
    pipeline.nas.write("a", "CT.dcm", CT)
    _poll_until_copied(pipeline)
    assert {"status": "no_updates", "folders": [], "marked_folders": 1} == pipeline.send("poll_nas").json


def test_nas_that_is_away_is_503(pipeline: Pipeline) -> None:
    """A NAS that does not answer gives a 503, and a degraded health answer."""
    pipeline.nas.away = True
    response = pipeline.send("poll_nas")
    assert (503, "5") == (response.status_code, response.headers["Retry-After"])
    health = pipeline.send("poll_nas", method="GET").json
    assert "degraded" == health["status"]
    assert "ok" == health["checks"]["database"]
    assert "ok" != health["checks"]["NAS"]


def test_sweep_replaces_lost_notifications(pipeline: Pipeline) -> None:
    """Without any notification, sweeps bring every object through the pipeline."""
    pipeline.put(RAW, "incoming/a/CT.dcm", CT)
    pipeline.put(ANNOTATIONS, "labels.csv", b"image,label,value\n")
    for _ in range(3):
        pipeline.lose_notifications()
        pipeline.send("sweep")
    assert 1 == len(pipeline.verdicts.verdicts)
    assert 1 == len(pipeline.metadata.tables["instance"])
    assert 1 == len(pipeline.labels.imports)
    assert {"status": "no_updates"} == pipeline.send("sweep").json


def test_announced_items_need_no_notification(pipeline: Pipeline) -> None:
    """A file of the NAS, its picture and its document are processed without any notification."""
    pipeline.nas.write("a", "CT.dcm", CT)
    _poll_until_copied(pipeline)
    for _ in range(3):
        pipeline.lose_notifications()
        pipeline.send("sweep")
    assert ["nas/a/CT.dcm"] == pipeline.store.keys(RAW)
    assert (1, 1) == (len(pipeline.verdicts.verdicts), len(pipeline.metadata.tables["instance"]))
    assert {"status": "no_updates"} == pipeline.send("sweep").json


def test_a_function_works_on_its_due_items(pipeline: Pipeline) -> None:
    """On request, a function works on its due items, and answers how they ended."""
    pipeline.nas.write("a", "CT.dcm", CT)
    pipeline.nas.write("a", "no.dcm", b"x" * 200)
    _poll_until_copied(pipeline)
    pipeline.lose_notifications()
    answer = pipeline.send("extract", {"due": True}).json
    assert {"status": "worked", "items": {"done": 1, "quarantined": 1}} == answer
    assert {"status": "no_updates"} == pipeline.send("extract", {"due": True}).json
    assert {"status": "worked", "items": {"done": 1}} == pipeline.send("store_metadata").json


def test_sweep_counts_results(pipeline: Pipeline) -> None:
    """The sweep answers with counts by function and result."""
    pipeline.put(RAW, "incoming/a/CT.dcm", CT)
    pipeline.put(RAW, "incoming/a/no.dcm", b"x" * 200)
    pipeline.lose_notifications()
    assert {"status": "sent", "functions": {"extract": {"settled": 2}}} == _extract_counts(pipeline)


def _extract_counts(pipeline: Pipeline) -> dict:
    answer = pipeline.send("sweep").json
    return answer | {"functions": {"extract": answer["functions"]["extract"]}}


def test_sweep_repeats_a_crashed_attempt(pipeline: Pipeline) -> None:
    """An item whose worker crashed is worked on again when its lease has run out."""
    version = pipeline.put(RAW, "incoming/a/CT.dcm", CT)
    pipeline.lose_notifications()
    extract_main._target()  # noqa: SLF001 built as for the first request
    from tests.in_memory.ledger import InMemoryLedger

    InMemoryLedger("extract", pipeline.table).claim(version, lease_seconds=60)
    assert {"status": "no_updates"} == pipeline.send("sweep").json
    pipeline.clock.advance(61)
    pipeline.send("sweep")
    row = pipeline.row("extract")
    assert (State.DONE, 2) == (row.state, row.attempts)


def test_sweep_applies_held_labels(pipeline: Pipeline, future_key: str) -> None:
    """The sweep applies labels that came before their image."""
    pipeline.put(ANNOTATIONS, "labels.csv", f"image,label,value\n{future_key},fracture,1\n".encode())
    pipeline.deliver()
    assert pipeline.labels.labels[0].image is None
    pipeline.put(RAW, "incoming/a/CT.dcm", CT)
    pipeline.deliver()
    pipeline.send("sweep")
    assert pipeline.labels.labels[0].image is not None


@pytest.mark.parametrize("function", ["extract", "store_metadata"])
def test_run_without_due_items_has_no_updates(pipeline: Pipeline, function: str) -> None:
    """A run without due items has no updates."""
    assert {"status": "no_updates"} == pipeline.send(function).json


@pytest.mark.parametrize("function", ["poll_nas", "sweep"])
def test_timer_functions_take_no_events(pipeline: Pipeline, function: str) -> None:
    """A notification to a function that a timer starts is refused."""
    assert 400 == pipeline.send(function, recorded("raw_put")).status_code


@pytest.mark.parametrize(
    "function", ["annotations", "extract", "poll_nas", "quality", "store_metadata", "sweep"]
)
def test_every_function_answers_health_and_guards_its_token(pipeline: Pipeline, function: str) -> None:
    """GET answers the state of each dependency; a POST with another token is 401."""
    assert "ok" == pipeline.send(function, method="GET").json["status"]
    assert 401 == pipeline.send(function, recorded("raw_put"), token=TOKEN[::-1]).status_code
    assert 401 == pipeline.send(function, token=None).status_code


@pytest.mark.parametrize("function", ["annotations", "extract", "quality", "store_metadata"])
def test_malformed_body_is_400_and_harms_nothing(pipeline: Pipeline, function: str) -> None:
    """A body that is not an event is refused with 400."""
    for body in (b"[", b"null", {"Records": [None]}, {"bucket": METADATA}):
        assert 400 == pipeline.send(function, body).status_code
    assert {} == pipeline.table.rows


@pytest.mark.parametrize(
    ("function", "event"),
    [("extract", "raw_put"), ("store_metadata", "metadata_put"), ("annotations", "annotations_put")],
)
def test_store_or_ledger_away_is_503(pipeline: Pipeline, function: str, event: str) -> None:
    """A temporary failure of any dependency is answered with 503, so that the event is sent again."""
    pipeline.store.away = True
    assert 503 == pipeline.send(function, recorded(event)).status_code
    pipeline.store.away, pipeline.table.away = False, True
    assert 503 == pipeline.send(function, recorded(event)).status_code


@pytest.mark.parametrize("function", ["extract", "poll_nas", "sweep", "quality"])
@pytest.mark.parametrize("variable", ["DCM2SET_TOKEN"])
def test_missing_setting_is_503_in_one_line(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, function: str, variable: str
) -> None:
    """A function without its token refuses everything and names the missing setting."""
    monkeypatch.delenv(variable)
    response = pipeline.send(function, recorded("raw_put"))
    assert (503, f"{variable} is not set.") == (response.status_code, response.json["cause"])
