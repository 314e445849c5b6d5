"""Files that hang, use too much memory or kill their process are quarantined; other files are extracted."""

from pathlib import Path

import psutil
import pytest

from tests.faults.poison_files import large_file, slow_file
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance


@pytest.fixture(scope="module")
def strict_home(start_home) -> RunningHome:
    """A home that allows little time and memory for a file."""
    return start_home(
        DCM2SET_SECONDS_PER_FILE="15",
        DCM2SET_MEGABYTES_PER_FILE="256",
        DCM2SET_LEASE_SECONDS="5",
        DCM2SET_RETRY_SECONDS="1",
        DCM2SET_SWEEP_SECONDS="1",
    )


def _assert_others_are_extracted(home: RunningHome, name: str, number: int) -> None:
    """Put six good files; all of them must be extracted."""
    keys = [f"incoming/poison/beside {name} {each}.dcm" for each in range(6)]
    for each, key in enumerate(keys):
        home.put(key, make_instance(100 * number + each, patient=920))
    for key in keys:
        assert "extracted" == home.settled("extract", key, seconds=180)["outcome"]


def test_a_file_that_hangs_is_quarantined(strict_home: RunningHome) -> None:
    """A file over its time limit is quarantined with that cause, and other files do not wait for it."""
    key = "incoming/poison/slow.dcm"
    body = slow_file(400)
    assert len(body) < 1_000_000
    strict_home.put(key, body)
    _assert_others_are_extracted(strict_home, "slow", 1)
    item = strict_home.settled("extract", key, seconds=180)
    assert ("quarantined", 1) == (item["state"], item["attempts"])
    assert "DCM2SET_SECONDS_PER_FILE" in item["cause"]


def test_a_file_that_needs_too_much_memory_is_quarantined(strict_home: RunningHome) -> None:
    """A file over its memory limit is quarantined with that cause, and the function keeps running."""
    key = "incoming/poison/large.dcm"
    body = large_file(600)
    assert len(body) < 1_000_000
    workers = {process.pid for process in strict_home.processes("extract")}
    strict_home.put(key, body)
    _assert_others_are_extracted(strict_home, "large", 2)
    item = strict_home.settled("extract", key, seconds=180)
    assert "quarantined" == item["state"]
    assert "DCM2SET_MEGABYTES_PER_FILE" in item["cause"]
    assert workers == {process.pid for process in strict_home.processes("extract")}


def test_a_file_that_kills_each_process_is_quarantined(strict_home: RunningHome) -> None:
    """Every process that reads the file is killed; after the allowed number the file is quarantined."""
    key = "incoming/poison/killer.dcm"
    body = slow_file(401)
    strict_home.put(key, body)

    def is_settled() -> bool:
        for process in strict_home.sandbox_processes():
            if _reads(process, len(body)):
                process.kill()
        item = strict_home.item("extract", key)
        return bool(item and item["state"] == "quarantined")

    assert wait_for(is_settled, seconds=240), strict_home.item("extract", key)
    item = strict_home.item("extract", key)
    assert item is not None
    assert "crashed 3 times in a row" in item["cause"]
    _assert_others_are_extracted(strict_home, "killer", 3)


def _reads(process: psutil.Process, size: int) -> bool:
    """Whether the process has a file of that size open."""
    try:
        return any(_size(each.path) == size for each in process.open_files())
    except psutil.Error:
        return False


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1
