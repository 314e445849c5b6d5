"""The erasure of a patient, the release of images of a device, and the report, on real servers."""

import io
from pathlib import Path

import orjson
import pydicom
import pytest

from common.store.object_key import Location
from tests.support.local_home import RunningHome, wait_for
from tests.support.nas_folder import NAS_SETTINGS, balance_of, drop
from tests.support.real_files import make_instance

US = "examples_rgb_color.dcm"


@pytest.fixture(scope="module")
def home(start_home, nas: Path) -> RunningHome:
    """A home with labels and with files of three patients, of whom the first will be erased."""
    home = start_home(DCM2SET_NAS_URL=nas.as_uri(), **NAS_SETTINGS)
    leaving = {f"{number}.dcm": make_instance(number, patient=901) for number in (1, 2)}
    leaving |= {"double.dcm": leaving["1.dcm"], "held.dcm": make_instance(3, name=US, patient=901)}
    leaving |= {"cut.dcm": make_instance(4, patient=901)[:-5000], "report.dcm": _report(901)}
    drop(nas, "Marker^Patient901", leaving)
    drop(
        nas,
        "Mixed",
        {"leaving.dcm": make_instance(5, patient=901), "stays.dcm": make_instance(6, patient=902)},
    )
    drop(nas, "Sono", {f"{number}.dcm": make_instance(number, name=US, patient=903) for number in (7, 8)})
    balance_of(home, 10)
    rows = home.rows("select bucket, key from image_overview order by patient_id, key")
    lines = ["image,label,value", *(f"{row['key']},fracture,1" for row in rows)]
    home.put("team/labels.csv", "\n".join(lines).encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "team/labels.csv")["outcome"]
    return home


def _report(patient: int) -> bytes:
    """A structured report of the patient."""
    ds = pydicom.dcmread(io.BytesIO(make_instance(9, name="reportsi.dcm", patient=patient)))
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def pseudonym(home: RunningHome, patient: int) -> str:
    """The pseudonym of a test patient, by `dcm2set pseudonym`."""
    done = home.run_cli("pseudonym", stdin=f"  test-{patient} \n")
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def everything(home: RunningHome) -> dict[str, bytes]:
    """All objects with their keys, and all rows of all tables, as bytes by bucket and key or by table."""
    contents = {}
    for bucket in home.store.client.list_buckets():
        for listed in home.store.list_prefix(bucket.name, ""):
            key = listed.version.location.key
            contents[f"{bucket.name}/{key}"] = key.encode() + home.store.read(listed.version)
    tables = home.rows("select tablename from pg_tables where schemaname = 'public'")
    for name in (row["tablename"] for row in tables):
        rows = home.rows(f"select to_jsonb(t)::text as text from {name} t")
        contents[name] = "\n".join(row["text"] for row in rows).encode()
    return contents


def test_the_ledger_knows_the_patient_of_every_file(home: RunningHome) -> None:
    """Extracted, duplicate, held, quarantined and skipped files have the pseudonym of their patient."""
    rows = home.rows(
        "select coalesce(outcome, state) as became, count(*) as number from ledger_item "
        "where function = 'extract' and patient_id = %s group by 1",
        pseudonym(home, 901),
    )
    expected = {"extracted": 3, "duplicate": 1, "held": 1, "quarantined": 1, "skipped": 1}
    assert expected == {row["became"]: row["number"] for row in rows}


def test_the_report_lists_each_folder_and_names_no_patient(home: RunningHome) -> None:
    """It counts files by outcome and profile, and the actions on their elements by keyword."""
    done = home.run_cli("report", "--json")
    entries = {entry["folder"]: entry for entry in orjson.loads(done.stdout)}
    names = {row["name"]: row["id"] for row in home.rows("select id, name from source_folder")}
    entry = entries[names["Mixed"]]
    assert {"extracted": 2} == entry["files"]
    assert [2] == [row["files"] for row in entry["profiles"]]
    assert entry["profiles"][0]["profile"].startswith("dcm2set ")
    assert 2 == entry["attributes"]["emptied"]["InstitutionName"]
    assert 2 == entry["attributes"]["shifted"]["StudyDate"]
    assert 2 == entry["attributes"]["kept"]["PixelSpacing"]
    entry = entries[names["Marker^Patient901"]]
    assert {"extracted": 2, "duplicate": 1, "held": 1, "quarantined": 1, "skipped": 1} == entry["files"]
    assert {"held", "quarantined", "skipped"} == {row["became"] for row in entry["causes"]}
    text = home.run_cli("report", "--folder", str(names["Mixed"])).stdout
    assert "StudyDate 2" in text
    for word in ("marker", "test-90", "compressedsamples", "jfk"):
        assert word not in (text + done.stdout).lower()


@pytest.fixture(scope="module")
def released(home: RunningHome) -> RunningHome:
    """The home, after the held images of a device were released."""
    (device,) = {row["device"] for row in home.rows("select device from ledger_item where state = 'held'")}
    assert device in home.run_cli("status").stdout
    done = home.run_cli("release", "--device", device, "--why", "No text on any.", "--who", "dr")
    assert "3 item(s) released." == done.stdout.strip()
    home.wait_until_idle()
    return home


def test_held_images_of_a_device_are_released_together(released: RunningHome) -> None:
    """All ultrasound images of the device pass, also of the first patient; who and why is stored."""
    home = released
    rows = home.rows("select outcome, released_by, released_why from ledger_item where releases = 1")
    assert [("extracted", "dr", "No text on any.")] * 3 == [tuple(row.values()) for row in rows]
    assert 0 == home.status()["balance"]["files_held"]
    assert "released by dr" in home.run_cli("report").stdout


@pytest.fixture(scope="module")
def erased(released: RunningHome, tmp_path_factory: pytest.TempPathFactory) -> RunningHome:
    """The home, after the first patient was erased and every trace of them was searched."""
    _freeze(released, 1, tmp_path_factory.mktemp("v1"))
    _erase_and_search(released)
    _freeze(released, 2, tmp_path_factory.mktemp("v2"))
    return released


def test_a_patient_is_erased_from_every_bucket_and_table(erased: RunningHome) -> None:
    """The fixture found no trace; pseudonym and reason are stored, so that new files are refused."""
    (row,) = erased.rows("select patient_id, why from erased_patient")
    assert (pseudonym(erased, 901), "Consent withdrawn.") == (row["patient_id"], row["why"])


def _freeze(home: RunningHome, number: int, out: Path) -> None:
    """Freeze a version of a training set; only version 1 contains the erased patient."""
    done = home.run_cli("export", "films", "--out", str(out), "--where", "verdict is not null", "--json")
    assert 0 == done.returncode, done.stderr
    assert number == orjson.loads(done.stdout)["version"]
    manifest = (out / "manifest.json").read_text()
    assert (number == 1) == (pseudonym(home, 901) in manifest)
    assert pseudonym(home, 902) in manifest


def _is_frozen(where: str) -> bool:
    """Whether this belongs to a frozen version, which an erasure reports and does not change."""
    return where.startswith("training-sets/films/v1/") or where == "training_set_patient"


def _erase_and_search(home: RunningHome) -> None:
    """No pseudonym or value of the originals is left, other patients are unchanged, the balance closes."""
    patient, other = pseudonym(home, 901), pseudonym(home, 902)
    before = everything(home)
    assert [where for where, body in before.items() if patient.encode() in body]
    uids = [
        row["sop_instance_uid"]
        for row in home.rows("select * from image_overview where patient_id = %s", patient)
    ]
    assert 4 == len(uids)
    done = home.run_cli("erase", "--patient", patient, "--why", "Consent withdrawn.", "--yes", "--json")
    assert 0 == done.returncode, done.stderr
    erasure = orjson.loads(done.stdout)
    assert (7, 1) == (erasure["objects"]["raw"] + erasure["objects"]["quarantine"], erasure["label_files"])
    assert (0, ["films v1"]) == (erasure["files_of_unknown_patients"], erasure["frozen_exports"])
    after = everything(home)
    for marker in (patient, "Patient901", "TEST-901", *uids):
        left = [where for where, body in after.items() if marker.lower().encode() in body.lower()]
        assert ["erased_patient"] * (marker == patient) == [w for w in left if not _is_frozen(w)], marker
    status = home.status()["balance"]
    assert (0, 0) == (status["files_difference"], status["images_difference"])
    # The patient's file still lies in the mixed folder of the NAS; a poll may have found and erased it again.
    assert status["files_erased"] in {7, 8}
    assert 1 == len(home.rows("select 1 from image_overview where patient_id = %s", other))
    assert [where for where in before if other in where] == [where for where in after if other in where]
    labels = home.store.read(home.store.stat(Location("annotations", "processed/team/labels.csv"))).decode()
    assert other in labels
    again = orjson.loads(
        home.run_cli("erase", "--patient", patient, "--why", "Once more.", "--yes", "--json").stdout
    )
    assert {} == {name: number for name, number in (again["objects"] | again["rows"]).items() if number}


@pytest.mark.parametrize("kind", ["image", "held", "cut", "report"])
def test_new_files_of_an_erased_patient_are_deleted(erased: RunningHome, kind: str) -> None:
    """A file of any kind is deleted and counted as erased, and nothing is written."""
    home = erased
    bodies = {
        "image": make_instance(11, patient=901),
        "held": make_instance(12, name=US, patient=901),
        "cut": make_instance(13, patient=901)[:-5000],
        "report": _report(901),
    }
    number = home.status()["balance"]["files_erased"]
    key = f"incoming/again/{kind}.dcm"
    etag = home.put(key, bodies[kind])
    item = home.settled("extract", key)
    assert ("done", "erased") == (item["state"], item["outcome"])
    assert wait_for(lambda: not list(home.store.list_prefix("raw", key)), seconds=30)
    answer = home.post("extract", {"bucket": "raw", "key": key, "etag": etag, "size": len(bodies[kind])})
    assert 200 == answer.status
    balance = home.wait_until_idle()["balance"]
    assert (number + 1, 0, 0) == (
        balance["files_erased"],
        balance["files_difference"],
        balance["images_difference"],
    )
    assert [] == home.rows("select 1 from patient where patient_id = %s", pseudonym(home, 901))


def test_a_wrong_pseudonym_is_refused(home: RunningHome) -> None:
    """A patient id is not accepted as a pseudonym, and is not repeated in the message."""
    done = home.run_cli("erase", "--patient", "TEST-902", "--why", "x", "--yes")
    assert 2 == done.returncode
    assert "takes a pseudonym" in done.stderr
    assert "TEST-902" not in done.stdout + done.stderr
    assert 2 == home.run_cli("release", "--why", "x").returncode
