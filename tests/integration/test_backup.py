"""A backup taken while files flow, and a home made out of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.store.object_key import Location
from infra.backup.backup import _Known
from tests.support.local_home import RunningHome
from tests.support.real_files import make_instance

_SETTINGS = {
    "DCM2SET_SWEEP_SECONDS": "1",
    "DCM2SET_SWEEP_GRACE_SECONDS": "1",
    "DCM2SET_LEASE_SECONDS": "5",
    "DCM2SET_RETRY_SECONDS": "1",
    "DCM2SET_IMAGES_PER_BUCKET": "7",
}


def test_a_backup_while_files_flow_closes_after_restore(start_home, tmp_path: Path) -> None:
    """Every file of the backup ends in its right state once, objects are what the rows say, difference 0."""
    home = start_home(**_SETTINGS)
    bodies = {
        f"incoming/b/{number}.dcm": make_instance(number, patient=601 + number // 8) for number in range(40)
    }
    bodies["incoming/b/cut.dcm"] = bodies["incoming/b/1.dcm"][:-5000]

    def put(key: str) -> None:
        home.put(key, bodies[key])

    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(put, list(bodies)[:15]))
        rest = pool.map(put, list(bodies)[15:])
        done = home.run_cli("backup", str(tmp_path / "backup"))
        assert 0 == done.returncode, done.stderr
        assert 15 == len(first)
        list(rest)
    assert 0o700 == (tmp_path / "backup").stat().st_mode & 0o777
    assert 0o600 == (tmp_path / "backup" / "backup.json").stat().st_mode & 0o777
    there = _restored(start_home, tmp_path)
    balance = there.wait_until_idle()["balance"]
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])
    assert balance["files_found"] >= 15
    assert balance["files_found"] == balance["files_extracted"] + balance["files_quarantined"]
    recount = there.run_cli("status", "--recount")
    assert 0 == recount.returncode, recount.stdout + recount.stderr
    assert "the same numbers" in recount.stdout
    placed = {(row["bucket"], row["key"]) for row in there.rows("select bucket, key from image_allocation")}
    assert placed == set(_objects(there, "images-")) | set(_objects(there, "suboptimal"))
    assert all(bucket["images_here"] <= 7 for bucket in there.status()["buckets"])
    assert [] == [place for place in _objects(there, "raw") if place[1].startswith("incoming/")]
    # What is not in the backup comes again from its source, under the same pseudonyms.
    for key, body in bodies.items():
        there.put(key, body)
    after = there.wait_until_idle()["balance"]
    assert 0 == after["files_difference"]
    assert 40 == len(there.rows("select from extraction"))
    key = "select key_id from instance group by key_id"
    assert 1 == len(there.rows(key))
    there.end()
    home.end()


def _restored(start_home, place: Path) -> RunningHome:
    folder = place / "restored"
    fresh = RunningHome(folder, None, {})  # type: ignore[arg-type]
    done = fresh.run_cli("restore", str(place / "backup"))
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
        ("images-1/P/1/2/9.9/1.png", None),
        ("suboptimal/P/1/2/3.4/1.png", "images-1/P/1/2/3.4/1.png"),
        ("suboptimal/P/1/2/3.4/2.png", "suboptimal/P/1/2/3.4/2.png"),
        ("deidentified/P/1/2/3.4.dcm", "deidentified/P/1/2/3.4.dcm"),
        ("deidentified/P/1/2/9.9.dcm", None),
    ],
)
def test_what_was_moved_after_the_snapshot_goes_back(found: str, expected: str | None) -> None:
    """An object lies where the database's snapshot has it; what is made again is left out."""
    known = _Known(
        {"3.4"},
        {"P/1/2/3.4/1.png": "images-1"},
        {("raw", "processed/a/known.dcm")},
        {"incoming/nas/put/1.dcm"},
    )
    place = known.place(Location(*found.split("/", 1)))
    assert expected == (f"{place.bucket}/{place.key}" if place else None)


def test_a_restore_wants_a_whole_backup_and_a_new_home(home: RunningHome, tmp_path: Path) -> None:
    """A folder without a backup's card, and a home that holds anything, are refused in one line."""
    done = home.run_cli("restore", str(tmp_path))
    assert (2, True) == (done.returncode, "holds no whole backup" in done.stderr)
    (tmp_path / "backup.json").write_text('{"taken_at": "2026-11-23T00:00:00Z"}')
    done = home.run_cli("restore", str(tmp_path))
    assert (2, True) == (done.returncode, "is not empty" in done.stderr)
