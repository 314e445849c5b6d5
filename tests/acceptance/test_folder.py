"""The main task: a folder copied to the NAS becomes rows and checked images."""

import shutil
import tempfile
from pathlib import Path

import pytest

from infra.demo.demo_files import create_nas_folders
from tests.support.local_home import RunningHome, wait_for
from tests.support.nas_folder import NAS_SETTINGS, balance_of, drop
from tests.support.real_files import make_instance


@pytest.fixture(scope="module")
def nas_home(start_home, nas: Path) -> RunningHome:
    """A home that polls the share."""
    return start_home(DCM2SET_NAS_URL=nas.as_uri(), **NAS_SETTINGS)


def test_a_real_folder_with_junk(nas_home: RunningHome, nas: Path) -> None:
    """Every file of real folders with junk gets its right state, and each folder is marked."""
    before, others = nas_home.wait_until_idle()["balance"], {path.name for path in nas.iterdir()}
    number = create_nas_folders(nas)
    after = balance_of(nas_home, before["files_found"] + number)
    balance = {name: after[name] - before[name] for name in after}
    assert number == balance["files_found"]
    assert (3, 3, 3) == (balance["files_skipped"], balance["files_held"], balance["files_quarantined"])
    assert number - 9 == balance["files_extracted"]
    assert (1, 0, 0) == (
        balance["images_black"],
        after["files_difference"],
        after["images_difference"],
    )
    names = wait_for(lambda: _all_marked(nas, others), seconds=30)
    assert names


def _all_marked(nas: Path, others: set[str]) -> list[str]:
    """The names on the NAS without the other ones, once all of them are marked as processed."""
    names = sorted({path.name for path in nas.iterdir()} - others)
    return names if all(name.endswith("_processed") for name in names) else []


def test_polling_again_finds_nothing(nas_home: RunningHome) -> None:
    """A manual poll that finds nothing new answers no_updates."""
    nas_home.wait_until_idle()
    answer = nas_home.post("poll_nas")
    assert 200 == answer.status
    assert "no_updates" == answer.json()["status"]


def test_a_new_folder_under_an_old_name(nas_home: RunningHome, nas: Path) -> None:
    """A new folder with the name of a processed one is a folder of its own; both are kept apart."""
    before = nas_home.status()["balance"]["files_found"]
    for number in (1, 2):
        drop(nas, "Again", {"a.dcm": make_instance(number, patient=301)})
        wait_for(lambda: not (nas / "Again").exists(), seconds=60)
        balance_of(nas_home, before + number)
    assert {"Again_processed", "Again_processed2"} <= {path.name for path in nas.iterdir()}
    keys = nas_home.rows("select raw_key from source_file where raw_key like %s order by 1", "nas/Again%")
    assert ["nas/Again/a.dcm", "nas/Again~2/a.dcm"] == [row["raw_key"] for row in keys]
    copied = nas_home.rows(
        "select 1 from ledger_item where key like %s and outcome = 'extracted'", "nas/Again%"
    )
    assert 2 == len(copied)


def test_loose_files_in_the_root(nas_home: RunningHome, nas: Path) -> None:
    """Files that lie in no folder are copied too, and not silently skipped."""
    (nas / "loose.dcm").write_bytes(make_instance(3, patient=301))
    item = nas_home.settled("extract", "nas/loose.dcm")
    assert "extracted" == item["outcome"]


def test_no_name_of_the_nas_leaves_raw(nas_home: RunningHome, nas: Path) -> None:
    """No name from the NAS or the files is in a key, a log or a table that researchers read."""
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


def test_one_truncated_file_among_two_hundred(start_home) -> None:
    """199 files are stored and checked, 1 is quarantined with its cause; the balance closes all the time."""
    folder = Path(tempfile.mkdtemp(prefix="dcm2set-nas-"))
    try:
        for number in range(200):
            body = make_instance(number, patient=number // 40, study=4)
            content = body if number != 100 else body[: len(body) // 2]
            drop(folder, f"batch {number // 50}", {f"{number}.dcm": content})
        home = start_home(DCM2SET_NAS_URL=folder.as_uri(), DCM2SET_IMAGES_PER_BUCKET="160", **NAS_SETTINGS)
        differences = []

        def is_done() -> bool:
            balance = home.status()["balance"]
            differences.append((balance["files_difference"], balance["images_difference"]))
            return balance["files_extracted"] == 199 and balance["images_waiting"] == 0

        assert wait_for(is_done, seconds=400)
        home.wait_until_idle()
        balance = home.status()["balance"]
        assert (200, 199, 1) == (
            balance["files_found"],
            balance["files_extracted"],
            balance["files_quarantined"],
        )
        assert 199 == balance["frames"]
        assert 199 == sum(
            balance[f"images_{verdict}"] for verdict in ("good", "review", "black", "low_quality")
        )
        assert {(0, 0)} == set(differences)
        (quarantined,) = home.status()["aside"]
        assert "shorter than the header says" in quarantined["cause"]
        assert [160, 39] == [bucket["allocated"] for bucket in home.status()["buckets"]]
        assert 199 == home.rows("select count(*) from image_overview where verdict is not null")[0]["count"]
    finally:
        shutil.rmtree(folder)
