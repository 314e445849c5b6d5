"""The main job: a folder dropped on the NAS becomes rows, checked images and labels."""

import shutil
import tempfile
from pathlib import Path

import pytest

from infra.demo.demo_files import lay_out_nas
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

NAS_SETTINGS = {
    "DCM2SET_NAS_QUIET_SECONDS": "0.5",
    "DCM2SET_NAS_POLL_SECONDS": "0.5",
    "DCM2SET_SWEEP_SECONDS": "2",
    "DCM2SET_SWEEP_GRACE_SECONDS": "2",
}


@pytest.fixture(scope="module")
def nas_home(start_home, nas: Path) -> RunningHome:
    """A home that polls the share."""
    return start_home(DCM2SET_NAS_URL=nas.as_uri(), **NAS_SETTINGS)


def drop(nas: Path, name: str, files: dict[str, bytes]) -> None:
    """Copy files into a new folder of the NAS, as a user would: the folder appears first."""
    for path, body in files.items():
        place = nas / name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)


def found(home: RunningHome, number: int) -> dict:
    """The balance, once so many files were found and nothing waits."""
    wait_for(lambda: home.status()["balance"]["files_found"] >= number, seconds=60)
    return home.wait_until_idle()["balance"]


def test_a_real_folder_with_junk(nas_home: RunningHome, nas: Path) -> None:
    """Every file of real folders with junk among them ends in its state, and each folder is marked."""
    number = lay_out_nas(nas)
    balance = found(nas_home, number)
    assert number == balance["files_found"]
    assert (3, 3, 3) == (balance["files_skipped"], balance["files_held"], balance["files_quarantined"])
    assert number - 9 == balance["files_extracted"]
    assert (1, 0, 0) == (
        balance["images_black"],
        balance["files_difference"],
        balance["images_difference"],
    )
    names = wait_for(lambda: _all_marked(nas), seconds=30)
    assert names


def _all_marked(nas: Path) -> list[str]:
    names = sorted(path.name for path in nas.iterdir())
    return names if all(name.endswith("_processed") for name in names) else []


def test_polling_again_finds_nothing(nas_home: RunningHome) -> None:
    """A poll by hand with nothing new answers no_updates."""
    nas_home.wait_until_idle()
    answer = nas_home.post("poll_nas")
    assert 200 == answer.status
    assert "no_updates" == answer.json()["status"]


def test_a_new_folder_under_an_old_name(nas_home: RunningHome, nas: Path) -> None:
    """A folder that comes under a name that was processed before is a new one; both are kept apart."""
    before = nas_home.status()["balance"]["files_found"]
    for number in (1, 2):
        drop(nas, "Again", {"a.dcm": make_instance(number, patient=301)})
        wait_for(lambda: not (nas / "Again").exists(), seconds=60)
        found(nas_home, before + number)
    assert {"Again_processed", "Again_processed2"} <= {path.name for path in nas.iterdir()}
    keys = nas_home.rows("select raw_key from source_file where raw_key like %s order by 1", "nas/Again%")
    assert ["nas/Again/a.dcm", "nas/Again~2/a.dcm"] == [row["raw_key"] for row in keys]
    copied = nas_home.rows(
        "select 1 from ledger_item where key like %s and outcome = 'extracted'", "nas/Again%"
    )
    assert 2 == len(copied)


def test_loose_files_in_the_root(nas_home: RunningHome, nas: Path) -> None:
    """Files that lie in no folder are copied too, never silently skipped."""
    (nas / "loose.dcm").write_bytes(make_instance(3, patient=301))
    item = nas_home.settled("extract", "nas/loose.dcm")
    assert "extracted" == item["outcome"]


def test_nothing_of_the_nas_leaves_raw(nas_home: RunningHome, nas: Path) -> None:
    """No name from the NAS or the files appears in a key, a log or a table that researchers read."""
    drop(nas, "Zyxmarker^Jane", {"Zyxmarker file.dcm": make_instance(4, patient=302)})
    wait_for((nas / "Zyxmarker^Jane_processed").exists, seconds=60)
    nas_home.wait_until_idle()
    client = nas_home.store.client
    keys = [
        found.object_name
        for bucket in client.list_buckets()
        if bucket.name not in {"raw", "quarantine"}
        for found in client.list_objects(bucket.name, recursive=True)
    ]
    assert keys
    assert not [key for key in keys if "marker" in key.lower()]
    logs = [path for path in (nas_home.folder / "log").iterdir() if path.name != "up.log"]
    assert not [path.name for path in logs if b"marker" in path.read_bytes().lower()]
    rows = nas_home.rows("select * from image_overview") + nas_home.rows("select attributes from instance")
    assert "marker" not in str(rows).lower()


def test_one_truncated_file_among_a_thousand(start_home) -> None:
    """999 files are stored and checked, 1 is quarantined with its cause; the balance closes all the while."""
    folder = Path(tempfile.mkdtemp(prefix="dcm2set-nas-"))
    try:
        for number in range(1000):
            body = make_instance(number, patient=number // 40, study=4)
            whole = body if number != 500 else body[: len(body) // 2]
            drop(folder, f"batch {number // 250}", {f"{number}.dcm": whole})
        home = start_home(DCM2SET_NAS_URL=folder.as_uri(), **NAS_SETTINGS)
        seen = []

        def is_done() -> bool:
            balance = home.status()["balance"]
            seen.append((balance["files_difference"], balance["images_difference"]))
            return balance["files_extracted"] == 999 and balance["images_waiting"] == 0

        assert wait_for(is_done, seconds=400)
        home.wait_until_idle()
        balance = home.status()["balance"]
        assert (1000, 999, 1) == (
            balance["files_found"],
            balance["files_extracted"],
            balance["files_quarantined"],
        )
        assert 999 == balance["frames"]
        assert 999 == balance["images_good"] + balance["images_black"] + balance["images_low_quality"]
        assert {(0, 0)} == set(seen)
        (aside,) = home.status()["aside"]
        assert "shorter than the header says" in aside["cause"]
        assert [400, 400, 199] == [bucket["allocated"] for bucket in home.status()["buckets"]]
        assert 999 == home.rows("select count(*) from image_overview where verdict is not null")[0]["count"]
    finally:
        shutil.rmtree(folder)
