"""The erasure of a patient where buckets keep older versions, on a real MinIO."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from minio.commonconfig import COMPLIANCE, GOVERNANCE, Filter
from minio.lifecycleconfig import LifecycleConfig, NoncurrentVersionExpiration, Rule
from minio.retention import Retention
from minio.versioningconfig import ENABLED, VersioningConfig

from common.store.object_key import Location
from infra.erasure.erase_objects import delete_objects
from infra.erasure.object_versions import ObjectVersions
from infra.provision.store.store_setup import notifications_of
from tests.conftest import StartHome
from tests.support.local_home import RunningHome
from tests.support.own_bucket import remove_bucket
from tests.support.real_files import make_instance

US = "examples_rgb_color.dcm"


def versions_of(home: RunningHome) -> dict[str, bytes]:
    """The content of every version of every object by bucket, key and version; a delete marker has none."""
    client, found = home.store.client, {}
    for bucket in client.list_buckets():
        for each in client.list_objects(bucket.name, recursive=True, include_version=True):
            name, body = f"{bucket.name}/{each.object_name}#{each.version_id}", b""
            if not each.is_delete_marker:
                response = client.get_object(bucket.name, str(each.object_name), version_id=each.version_id)
                body = response.read()
                response.release_conn()
            found[name] = body
    return found


def pseudonym(home: RunningHome, patient: int) -> str:
    return home.run_cli("pseudonym", stdin=f"test-{patient}\n").stdout.strip()


@pytest.fixture(scope="module")
def home(start_home: StartHome) -> RunningHome:
    """A home whose buckets keep older versions, with files of a patient who leaves and one who stays."""
    home = start_home(DCM2SET_SWEEP_SECONDS="1", DCM2SET_SWEEP_GRACE_SECONDS="1")
    home.put("incoming/first.dcm", make_instance(1, patient=800))
    home.settled("extract", "incoming/first.dcm")  # so that there is an image bucket
    home.wait_until_idle()
    for bucket in home.store.client.list_buckets():
        home.store.client.set_bucket_versioning(bucket.name, VersioningConfig(ENABLED))
    files = {
        "doe/1.dcm": make_instance(1, patient=810),
        "doe/held.dcm": make_instance(2, name=US, patient=810),
        "doe/cut.dcm": make_instance(3, patient=810)[:-5000],
        "stay/1.dcm": make_instance(4, patient=811),
    }
    for name, body in files.items():
        home.put(f"incoming/{name}", body)
    for name in files:
        home.settled("extract", f"incoming/{name}")
    # The same key again with another patient's file: versions of two patients under one key.
    home.put("incoming/doe/1.dcm", make_instance(5, patient=811))
    home.wait_until_idle()
    done = home.run_cli("release", "--device", _device(home), "--why", "No text.", "--who", "dr")
    assert 0 == done.returncode, done.stderr
    home.wait_until_idle()
    rows = home.rows("select key from image_overview order by key")
    lines = ["image,label,value", *(f"{row['key']},fracture,1" for row in rows)]
    home.put("labels.csv", "\n".join(lines).encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "labels.csv")["outcome"]
    assert 0 == home.run_cli("tasks", "batch", "--where", "verdict is not null").returncode
    assert 0 == home.run_cli("tasks", "batch", "--remove").returncode
    home.wait_until_idle()
    return home


def _device(home: RunningHome) -> str:
    return home.rows("select device from ledger_item where state = 'held'")[0]["device"]


def test_no_version_of_a_patient_is_left(home: RunningHome, tmp_path: Path) -> None:
    """Originals wherever they were, images, documents, tasks, label files: no version and no key is left."""
    patient, other = pseudonym(home, 810), pseudonym(home, 811)
    uids = [
        row["sop_instance_uid"]
        for row in home.rows("select * from image_overview where patient_id = %s", patient)
    ]
    backup = tmp_path / "backup"
    assert 0 == home.run_cli("backup", str(backup)).returncode
    before = versions_of(home)
    assert [name for name, body in before.items() if b"TEST-810" in body.upper()]
    assert [name for name in before if name.startswith(f"labelling/batch/images/{patient}")]
    stays = {name for name, body in before.items() if other in name or b"TEST-811" in body.upper()}
    done = home.run_cli("erase", "--patient", patient, "--why", "Consent withdrawn.", "--yes", "--json")
    assert 0 == done.returncode, done.stderr
    erasure = orjson.loads(done.stdout)
    assert ([], []) == (erasure["locked"], erasure["copied_elsewhere"])
    assert [str(backup)] == [row["folder"] for row in erasure["backups"]]
    after = versions_of(home)
    for word in (patient, "TEST-810", *uids):
        assert not [
            n for n, body in after.items() if word.lower().encode() in n.lower().encode() + body.lower()
        ]
    assert not [name for name in after if "doe/held" in name or "doe/cut" in name]
    assert stays <= after.keys()
    again = orjson.loads(
        home.run_cli("erase", "--patient", patient, "--why", "Again.", "--yes", "--json").stdout
    )
    assert {} == {name: number for name, number in (again["objects"] | again["rows"]).items() if number}
    balance = home.wait_until_idle()["balance"]
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])


def test_later_files_of_an_erased_patient_are_deleted_by_the_next_erasure(home: RunningHome) -> None:
    """In a versioned bucket extract only hides them; the same command again deletes their versions."""
    home.put("incoming/later/1.dcm", make_instance(30, patient=813))
    assert "extracted" == home.settled("extract", "incoming/later/1.dcm")["outcome"]
    home.wait_until_idle()
    erase = ("erase", "--patient", pseudonym(home, 813), "--why", "x", "--yes")
    assert 0 == home.run_cli(*erase).returncode
    home.put("incoming/later/2.dcm", make_instance(31, patient=813))
    assert "erased" == home.settled("extract", "incoming/later/2.dcm")["outcome"]
    home.wait_until_idle()
    assert [body for body in versions_of(home).values() if b"TEST-813" in body.upper()]
    assert "WRONG  versions of raw: extract can only hide" in home.run_cli("doctor").stdout
    assert 0 == home.run_cli(*erase).returncode
    assert not [body for body in versions_of(home).values() if b"TEST-813" in body.upper()]


def test_the_text_names_the_backup(home: RunningHome, tmp_path: Path) -> None:
    """A backup that was taken before an erasure is named, one taken afterwards is not."""
    home.put("incoming/backup.dcm", make_instance(20, patient=812))
    home.settled("extract", "incoming/backup.dcm")
    home.wait_until_idle()
    patient = pseudonym(home, 812)
    home.run_cli("backup", str(tmp_path / "before"))
    text = home.run_cli("erase", "--patient", patient, "--why", "x", "--yes").stdout
    home.run_cli("backup", str(tmp_path / "after"))
    assert f"in {tmp_path / 'before'}, taken before: delete it" in text
    again = home.run_cli("erase", "--patient", patient, "--why", "x", "--yes").stdout
    assert str(tmp_path / "after") not in again


def test_the_doctor_names_versioned_buckets(home: RunningHome) -> None:
    """The doctor says which buckets keep versions, and that a rule that expires them is no fault."""
    rule = Rule(
        "Enabled",
        Filter(prefix=""),
        rule_id="old",
        noncurrent_version_expiration=NoncurrentVersionExpiration(30),
    )
    home.store.client.set_bucket_lifecycle("deidentified", LifecycleConfig([rule]))
    text = home.run_cli("doctor").stdout
    assert "ok     versions: annotations, deidentified" in text
    assert "object lock" not in text
    assert "replication" not in text


@pytest.fixture
def locked(home: RunningHome) -> Any:
    """A bucket with object lock, as an image bucket of the home."""
    name = "images-locked"
    home.store.client.make_bucket(name, object_lock=True)
    yield name
    for found in home.store.client.list_objects(name, recursive=True, include_version=True):
        home.store.client.remove_object(name, str(found.object_name), version_id=found.version_id)
    remove_bucket(home.store, name)


def test_what_a_lock_holds_is_reported(home: RunningHome, locked: str) -> None:
    """Exit code 1, the bucket, the number and the end of the lock; a later erasure deletes the rest."""
    client, patient = home.store.client, f"P{'5' * 20}"
    for name in ("free", "held", "retained"):
        home.store.put(Location(locked, f"{patient}/{name}.png"), b"x", content_type="image/png")
    until = _in(8)
    client.set_object_retention(locked, f"{patient}/retained.png", Retention(COMPLIANCE, until))
    client.enable_object_legal_hold(locked, f"{patient}/held.png")
    done = home.run_cli("erase", "--patient", patient, "--why", "x", "--yes")
    assert 1 == done.returncode
    assert f"1 object(s) deleted in {locked}" in done.stdout
    assert f"NOT DELETED: a lock holds 2 version(s) in {locked}, until {until:%Y-%m-%d}" in done.stdout
    assert "1 of them by a legal hold" in done.stdout
    assert f"object lock is on in {locked}" in home.run_cli("doctor").stdout
    client.disable_object_legal_hold(locked, f"{patient}/held.png")
    _sleep_until(until)
    again = home.run_cli("erase", "--patient", patient, "--why", "x", "--yes")
    assert 0 == again.returncode, again.stdout
    assert [] == list(client.list_objects(locked, prefix=patient, recursive=True, include_version=True))


def test_a_locked_original_is_found_again(start_home: StartHome) -> None:
    """Its ledger row keeps its key until the lock has ended; then the same command deletes object and key."""
    home = start_home(DCM2SET_SWEEP_SECONDS="1", DCM2SET_SWEEP_GRACE_SECONDS="1")
    client = home.store.client
    client.remove_bucket("raw")
    client.make_bucket("raw", object_lock=True)
    home.store.ensure_bucket("raw", notifications_of("raw"))
    home.put("incoming/smith/1.dcm", make_instance(1, patient=830))
    item = home.settled("extract", "incoming/smith/1.dcm")
    home.wait_until_idle()
    key = str(item["moved_to_key"])
    until = _in(8)
    client.set_object_retention("raw", key, Retention(GOVERNANCE, until))
    patient = pseudonym(home, 830)
    done = home.run_cli("erase", "--patient", patient, "--why", "x", "--yes")
    assert (1, 1) == (done.returncode, done.stdout.count("NOT DELETED: a lock holds 1 version(s) in raw"))
    assert [] == home.rows("select 1 from image_overview where patient_id = %s", patient)
    (row,) = home.rows("select outcome, key from ledger_item where id = %s", item["id"])
    assert ("erased", "incoming/smith/1.dcm") == (row["outcome"], row["key"])
    _sleep_until(until)
    done = home.run_cli("erase", "--patient", patient, "--why", "x", "--yes")
    assert 0 == done.returncode, done.stdout
    assert not [name for name in versions_of(home) if "smith" in name]
    assert not home.rows("select 1 from ledger_item where key like '%%smith%%'")
    balance = home.wait_until_idle()["balance"]
    assert (0, 0, 1) == (balance["files_difference"], balance["images_difference"], balance["files_erased"])


def _in(seconds: float) -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds)


def _sleep_until(end: datetime) -> None:
    """Sleep until the second after the end of a lock."""
    time.sleep(max(0.0, (end - _in(-1)).total_seconds()))


@pytest.fixture
def plain(home: RunningHome) -> Iterator[str]:
    """A bucket without versions."""
    home.store.ensure_bucket("plain-bucket")
    yield "plain-bucket"
    remove_bucket(home.store, "plain-bucket")


def test_versions_of_an_unversioned_bucket_are_plain_objects(home: RunningHome, plain: str) -> None:
    """In a bucket without versions the same call deletes objects."""
    home.store.put(Location(plain, "P/a"), b"x", content_type="text/plain")
    assert 1 == ObjectVersions(home.store).delete_below(plain, "P/")
    assert 0 == ObjectVersions(home.store).delete_below(plain, "P/")


def test_another_file_under_the_same_key_stays(home: RunningHome, plain: str) -> None:
    """An original that was moved away leaves its key free; what came there later is another patient's."""
    arrived, moved = Location(plain, "incoming/1.dcm"), Location(plain, "processed/1.dcm")
    first = home.store.put(moved, b"first", content_type="text/plain")
    later = home.store.put(arrived, b"later", content_type="text/plain")
    row = {"id": 1, "bucket": plain, "key": arrived.key, "etag": first.etag, "size": 5}
    row |= {"moved_to_bucket": plain, "moved_to_key": moved.key}
    assert 1 == delete_objects(ObjectVersions(home.store), f"P{'6' * 20}", [row]).by_bucket[plain]
    assert [later] == [found.version for found in home.store.list_prefix(plain, "")]
