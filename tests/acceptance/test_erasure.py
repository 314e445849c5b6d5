"""A patient's way out again, the release of a device's pictures, and the report, on real servers."""

import io
from pathlib import Path

import orjson
import pydicom
import pytest

from common.store.object_key import Location
from tests.acceptance.test_folder import NAS_SETTINGS, drop, found
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

US = "examples_rgb_color.dcm"


@pytest.fixture(scope="module")
def home(start_home, nas: Path) -> RunningHome:
    """A home with files of three patients, of which the first is to be erased, and labels."""
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
    found(home, 10)
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
    """As an operator asks for it."""
    done = home.run_cli("pseudonym", stdin=f"  test-{patient} \n")
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def everything(home: RunningHome) -> dict[str, bytes]:
    """All keys and bodies of all buckets, and all rows of all tables, as bytes by where they are."""
    told = {}
    for bucket in home.store.client.list_buckets():
        for listed in home.store.list_prefix(bucket.name, ""):
            key = listed.version.location.key
            told[f"{bucket.name}/{key}"] = key.encode() + home.store.read(listed.version)
    tables = home.rows("select tablename from pg_tables where schemaname = 'public'")
    for name in (row["tablename"] for row in tables):
        rows = home.rows(f"select to_jsonb(t)::text as text from {name} t")
        told[name] = "\n".join(row["text"] for row in rows).encode()
    return told


def test_the_ledger_knows_whose_a_file_is_whatever_became_of_it(home: RunningHome) -> None:
    """Extracted, doubled, held, cut off or a report: each has its patient's pseudonym."""
    rows = home.rows(
        "select coalesce(outcome, state) as became, count(*) as number from ledger_item "
        "where function = 'extract' and patient_id = %s group by 1",
        pseudonym(home, 901),
    )
    expected = {"extracted": 3, "duplicate": 1, "held": 1, "quarantined": 1, "skipped": 1}
    assert expected == {row["became"]: row["number"] for row in rows}


def test_the_report_tells_each_folder_without_a_word_of_a_patient(home: RunningHome) -> None:
    """What became of the files, by which profile, and what was done to their elements, by keyword."""
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
    """The home, once the held pictures were released by their device."""
    (device,) = {row["device"] for row in home.rows("select device from ledger_item where state = 'held'")}
    assert device in home.run_cli("status").stdout
    done = home.run_cli("release", "--device", device, "--why", "No text on any.", "--who", "dr")
    assert "3 item(s) released." == done.stdout.strip()
    home.wait_until_idle()
    return home


def test_held_pictures_of_a_device_are_released_at_once(released: RunningHome) -> None:
    """Both ultrasound pictures of the device pass, with who and why; the first patient's too."""
    home = released
    rows = home.rows("select outcome, released_by, released_why from ledger_item where releases = 1")
    assert [("extracted", "dr", "No text on any.")] * 3 == [tuple(row.values()) for row in rows]
    assert 0 == home.status()["balance"]["files_held"]
    assert "released by dr" in home.run_cli("report").stdout


@pytest.fixture(scope="module")
def erased(released: RunningHome, tmp_path_factory: pytest.TempPathFactory) -> RunningHome:
    """The home, once the first patient was erased and every sign of it was looked for."""
    _freeze(released, 1, tmp_path_factory.mktemp("v1"))
    _erase_and_look(released)
    _freeze(released, 2, tmp_path_factory.mktemp("v2"))
    return released


def test_a_patient_is_erased_from_every_bucket_and_table(erased: RunningHome) -> None:
    """What `erased` has looked for is gone, and who left and why is kept, to refuse what comes again."""
    (row,) = erased.rows("select patient_id, why from erased_patient")
    assert (pseudonym(erased, 901), "Consent withdrawn.") == (row["patient_id"], row["why"])


def _freeze(home: RunningHome, number: int, out: Path) -> None:
    """A version of a training set, with the patient as long as there is one."""
    done = home.run_cli("export", "films", "--out", str(out), "--where", "verdict is not null", "--json")
    assert 0 == done.returncode, done.stderr
    assert number == orjson.loads(done.stdout)["version"]
    manifest = (out / "manifest.json").read_text()
    assert (number == 1) == (pseudonym(home, 901) in manifest)
    assert pseudonym(home, 902) in manifest


def _is_frozen(where: str) -> bool:
    """A frozen version stays as it is; whoever erases is told of it."""
    return where.startswith("training-sets/films/v1/") or where == "training_set_patient"


def _erase_and_look(home: RunningHome) -> None:
    """Neither the pseudonym nor a word of the originals is left, other patients are, and it balances."""
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
    told = orjson.loads(done.stdout)
    assert (7, 1) == (told["objects"]["raw"] + told["objects"]["quarantine"], told["label_files"])
    assert (0, ["films v1"]) == (told["files_of_unknown_patients"], told["frozen_exports"])
    after = everything(home)
    for marker in (patient, "Patient901", "TEST-901", *uids):
        left = [where for where, body in after.items() if marker.lower().encode() in body.lower()]
        assert ["erased_patient"] * (marker == patient) == [w for w in left if not _is_frozen(w)], marker
    status = home.status()["balance"]
    assert (0, 0) == (status["files_difference"], status["images_difference"])
    # A poll may have found the file that still lies in the mixed folder, which is erased once more.
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
def test_what_comes_of_an_erased_patient_again_is_not_kept(erased: RunningHome, kind: str) -> None:
    """Whatever it would have become: the object is deleted, counted as erased, and nothing is written."""
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
    place = Location("raw", "")
    assert wait_for(lambda: not list(home.store.list_prefix(place.bucket, key)), seconds=30)
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
    """An id in place of a pseudonym is no pseudonym, and is not echoed."""
    done = home.run_cli("erase", "--patient", "TEST-902", "--why", "x", "--yes")
    assert 2 == done.returncode
    assert "takes a pseudonym" in done.stderr
    assert "TEST-902" not in done.stdout + done.stderr
    assert 2 == home.run_cli("release", "--why", "x").returncode
