"""A backup taken while files arrive, and a home restored from it."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.store.object_key import Location
from infra.backup.backup import KnownObjects
from tests.support.local_home import RunningHome
from tests.support.real_files import make_instance

_SETTINGS = {
    "DCM2SET_SWEEP_SECONDS": "1",
    "DCM2SET_LEASE_SECONDS": "5",
    "DCM2SET_RETRY_SECONDS": "1",
    "DCM2SET_IMAGES_PER_BUCKET": "7",
}


def test_a_backup_while_files_arrive_closes_after_restore(start_home, tmp_path: Path) -> None:
    """Every file of the backup gets its right state, the objects match the rows, and the balance closes."""
    home = start_home(**_SETTINGS)
    bodies = {
        f"incoming/b/{number}.dcm": make_instance(number, patient=601 + number // 8) for number in range(40)
    }
    bodies["incoming/b/cut.dcm"] = bodies["incoming/b/1.dcm"][:-5000]
    _back_up_while_files_arrive(home, bodies, tmp_path / "backup")
    restored = _restored(start_home, tmp_path)
    balance = restored.wait_until_idle()["balance"]
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])
    assert balance["files_found"] >= 15
    assert balance["files_found"] == balance["files_extracted"] + balance["files_quarantined"]
    _assert_objects_match_rows(restored)
    # Files that are not in the backup come again from their source, and get the same pseudonyms.
    for key, body in bodies.items():
        restored.put(key, body)
    after = restored.wait_until_idle()["balance"]
    assert 0 == after["files_difference"]
    assert 40 == len(restored.rows("select from extraction"))
    assert 1 == len(restored.rows("select key_id from instance group by key_id"))
    restored.end()
    home.end()


def _back_up_while_files_arrive(home: RunningHome, bodies: Mapping[str, bytes], folder: Path) -> None:
    """Put 15 files, and then back up the home while the others are put."""

    def put(key: str) -> None:
        home.put(key, bodies[key])

    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(put, list(bodies)[:15]))
        others = pool.map(put, list(bodies)[15:])
        done = home.run_cli("backup", str(folder))
        assert 0 == done.returncode, done.stderr
        assert 15 == len(first)
        list(others)
    assert 0o700 == folder.stat().st_mode & 0o777
    assert 0o600 == (folder / "backup.json").stat().st_mode & 0o777


def _assert_objects_match_rows(home: RunningHome) -> None:
    """A recount finds the same numbers, images lie where their rows say, and no original waits in raw."""
    recount = home.run_cli("status", "--recount")
    assert 0 == recount.returncode, recount.stdout + recount.stderr
    assert "the same numbers" in recount.stdout
    images = {(row["bucket"], row["key"]) for row in home.rows("select bucket, key from image_allocation")}
    assert images == set(_objects(home, "images-")) | set(_objects(home, "suboptimal"))
    assert all(bucket["images_here"] <= 7 for bucket in home.status()["buckets"])
    assert [] == [(bucket, key) for bucket, key in _objects(home, "raw") if key.startswith("incoming/")]


def _restored(start_home, parent: Path) -> RunningHome:
    folder = parent / "restored"
    new_home = RunningHome(folder, None, {})  # type: ignore[arg-type]
    done = new_home.run_cli("restore", str(parent / "backup"))
    assert 0 == done.returncode, done.stdout + done.stderr
    return start_home(folder=folder, **_SETTINGS)


def _objects(home: RunningHome, prefix: str) -> Iterator[tuple[str, str]]:
    for bucket in home.store.client.list_buckets():
        if bucket.name.startswith(prefix):
            for listed in home.store.list_prefix(bucket.name, ""):
                yield bucket.name, listed.version.location.key


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("raw/incoming/a/1.dcm", "raw/incoming/a/1.dcm"),
        ("raw/processed/a/known.dcm", "raw/processed/a/known.dcm"),
        ("raw/processed/a/1.dcm", "raw/incoming/a/1.dcm"),
        ("raw/held/a/1.dcm", "raw/incoming/a/1.dcm"),
        ("quarantine/raw/incoming/a/1.dcm", "raw/incoming/a/1.dcm"),
        ("annotations/processed/team/a.csv", "annotations/team/a.csv"),
        ("annotations/processed/team/a.csv.report.json", "annotations/processed/team/a.csv.report.json"),
        ("raw/nas/a/1.dcm", "raw/nas/a/1.dcm"),
        ("raw/held/nas/a/1.dcm", "raw/nas/a/1.dcm"),
        ("raw/held/nas/put/1.dcm", "raw/incoming/nas/put/1.dcm"),
        ("quarantine/raw/nas/a/1.dcm", "raw/nas/a/1.dcm"),
        ("metadata/P/1/2/3.4.json", "metadata/P/1/2/3.4.json"),
        ("metadata/P/1/2/9.9.json", None),
        ("images-1/P/1/2/3.4/1.png", "images-1/P/1/2/3.4/1.png"),
        ("images-1/P/1/2/3.4/2.png", "suboptimal/P/1/2/3.4/2.png"),  # a person moved it to its images
        ("images-1/P/1/2/9.9/1.png", None),
        ("images-2/P/1/2/3.4/3.png", None),  # its instance was known, but it had no bucket yet
        ("suboptimal/P/1/2/3.4/1.png", "images-1/P/1/2/3.4/1.png"),
        ("suboptimal/P/1/2/3.4/2.png", "suboptimal/P/1/2/3.4/2.png"),
        ("deidentified/P/1/2/3.4.dcm", "deidentified/P/1/2/3.4.dcm"),
        ("deidentified/P/1/2/9.9.dcm", None),
    ],
)
def test_what_was_moved_after_the_snapshot_goes_back(found: str, expected: str | None) -> None:
    """An object is restored to its location in the snapshot; what the pipeline writes again is left out."""
    known = KnownObjects(
        {"3.4"},
        {"P/1/2/3.4/1.png": "images-1", "P/1/2/3.4/2.png": "suboptimal"},
        {("raw", "processed/a/known.dcm")},
        {"incoming/nas/put/1.dcm"},
    )
    location = known.location_before(Location(*found.split("/", 1)))
    assert expected == (f"{location.bucket}/{location.key}" if location else None)


def test_a_restore_needs_a_complete_backup_and_a_new_home(home: RunningHome, tmp_path: Path) -> None:
    """A folder without the card of a backup, and a home that is not empty, are refused in one line."""
    done = home.run_cli("restore", str(tmp_path))
    assert (2, True) == (done.returncode, "is not a complete backup" in done.stderr)
    (tmp_path / "backup.json").write_text('{"taken_at": "2026-11-23T00:00:00Z"}')
    done = home.run_cli("restore", str(tmp_path))
    assert (2, True) == (done.returncode, "is not empty" in done.stderr)
