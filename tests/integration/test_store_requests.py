"""How often the functions ask the object store for one file. Each request is owed to something."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.home import Home
from tests.support.counting_relay import CountingRelay
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

FILES = 6
_FROM_THE_NAS = {
    "PUT raw": 1,  # poll_nas copies the file; the answer's ETag proves the copy
    "GET raw": 1,  # extract reads it
    "PUT images": 1,  # and writes the picture,
    "PUT deidentified": 1,  # the de-identified file
    "PUT metadata": 1,  # and, last, the document
    "GET metadata": 1,  # which store_metadata reads
    "GET images": 1,  # quality looks at the picture
}
# An upload is moved when it is done, because nobody announces what others put there.
_UPLOADED = _FROM_THE_NAS | {"HEAD raw": 2, "DELETE raw": 1}  # the PUT is the copy within the store


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHome, Path, CountingRelay]]:
    """A home whose functions reach the store through a relay; its timers do nothing by themselves."""
    folder = tmp_path_factory.mktemp("counted")
    place, nas = folder / "home", folder / "nas"
    place.mkdir(mode=0o700)
    nas.mkdir()
    relay = CountingRelay(Home(place).tcp_ports().minio)
    relay.start()
    settings = {
        "DCM2SET_NAS_URL": nas.as_uri(),
        "DCM2SET_NAS_QUIET_SECONDS": "0",
        "DCM2SET_NAS_POLL_SECONDS": "86400",
        "DCM2SET_SWEEP_SECONDS": "86400",
    }
    command = ("benchmarks.support.distant_store", str(place), str(relay.port))
    home = RunningHome.start(place, settings, command=command)
    try:
        yield home, nas, relay
    finally:
        home.end()
        relay.close()


def _judged(home: RunningHome) -> int:
    rows = home.rows(
        "select count(*) as number from ledger_item where state = 'done' and function = 'quality' "
        "union all select count(*) from ledger_item where state = 'done' and function = 'store_metadata'"
    )
    return min(int(row["number"]) for row in rows)


def test_a_file_from_the_nas(counted: tuple[RunningHome, Path, CountingRelay]) -> None:
    """Four objects are written and three are read; nothing is asked twice."""
    home, nas, relay = counted
    home.put("incoming/first.dcm", make_instance(900))  # makes the first bucket of images
    assert wait_for(lambda: _judged(home) == 1, seconds=60)
    folder = nas / "study"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.dcm").write_bytes(make_instance(number))
    home.post("poll_nas")
    relay.requests.clear()
    home.post("poll_nas")
    assert wait_for(lambda: _judged(home) == FILES + 1, seconds=60)
    assert {name: FILES * number for name, number in _FROM_THE_NAS.items()} == dict(relay.requests)


def test_an_upload(counted: tuple[RunningHome, Path, CountingRelay]) -> None:
    """An upload is also copied to its next place and deleted, each after a look at what is there."""
    home, _, relay = counted
    before = _judged(home)
    relay.requests.clear()
    for number in range(FILES):
        home.put(f"incoming/{number}.dcm", make_instance(1000 + number))
    assert wait_for(lambda: _judged(home) == before + FILES, seconds=60)
    done = "select count(*) as number from ledger_item where bucket = 'raw' and moved_to_key is not null"
    assert wait_for(lambda: home.rows(done)[0]["number"] > FILES, seconds=30)
    assert wait_for(lambda: relay.requests["DELETE raw"] == FILES, seconds=30)
    assert {name: FILES * number for name, number in _UPLOADED.items()} == dict(relay.requests)
