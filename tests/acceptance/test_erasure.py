"""The erasure of a patient, the release of images of a device, and the report, on real servers.

One home lives through it all once (the fixture `story`); the tests judge what was recorded then, so they
are independent of one another and of their order.
"""

from pathlib import Path

import pytest

from tests.support.erasure_story import US, Story, make_report, tell_story
from tests.support.local_home import RunningHome
from tests.support.nas_folder import NAS_SETTINGS, balance_of, drop
from tests.support.real_files import make_instance


@pytest.fixture(scope="module")
def home(start_home, nas: Path) -> RunningHome:
    """A home with labels and with files of three patients, of whom the first will be erased."""
    home = start_home(DCM2SET_NAS_URL=nas.as_uri(), **NAS_SETTINGS)
    leaving = {f"{number}.dcm": make_instance(number, patient=901) for number in (1, 2)}
    leaving |= {"double.dcm": leaving["1.dcm"], "held.dcm": make_instance(3, name=US, patient=901)}
    leaving |= {"cut.dcm": make_instance(4, patient=901)[:-5000], "report.dcm": make_report(901)}
    drop(nas, "Marker^Patient901", leaving)
    drop(
        nas,
        "Mixed",
        {"leaving.dcm": make_instance(5, patient=901), "stays.dcm": make_instance(6, patient=902)},
    )
    drop(nas, "Sono", {f"{number}.dcm": make_instance(number, name=US, patient=903) for number in (7, 8)})
    balance_of(home, 10)
    rows = home.rows("select key from image_overview order by patient_id, key")
    lines = ["image,label,value", *(f"{row['key']},fracture,1" for row in rows)]
    home.put("team/labels.csv", "\n".join(lines).encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "team/labels.csv")["outcome"]
    return home


@pytest.fixture(scope="module")
def story(home: RunningHome, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """What happened in the home."""
    return tell_story(home, [tmp_path_factory.mktemp(version) for version in ("v1", "v2")])


def test_the_ledger_knows_the_patient_of_every_file(story: Story) -> None:
    """Extracted, duplicate, held, quarantined and skipped files have the pseudonym of their patient."""
    expected = {"extracted": 3, "duplicate": 1, "held": 1, "quarantined": 1, "skipped": 1}
    assert expected == story.beginning.files


def test_the_report_lists_each_folder_and_names_no_patient(story: Story) -> None:
    """It counts files by outcome and profile, and the actions on their elements by keyword."""
    beginning = story.beginning
    entry = beginning.report[beginning.folders["Mixed"]]
    assert {"extracted": 2} == entry["files"]
    assert [2] == [row["files"] for row in entry["profiles"]]
    assert entry["profiles"][0]["profile"].startswith("dcm2set ")
    assert 2 == entry["attributes"]["emptied"]["InstitutionName"]
    assert 2 == entry["attributes"]["shifted"]["StudyDate"]
    assert 2 == entry["attributes"]["kept"]["PixelSpacing"]
    entry = beginning.report[beginning.folders["Marker^Patient901"]]
    assert {"extracted": 2, "duplicate": 1, "held": 1, "quarantined": 1, "skipped": 1} == entry["files"]
    assert {"held", "quarantined", "skipped"} == {row["became"] for row in entry["causes"]}
    assert "StudyDate 2" in beginning.mixed
    for word in ("marker", "test-90", "compressedsamples", "jfk"):
        assert word not in beginning.texts.lower()


def test_held_images_of_a_device_are_released_together(story: Story) -> None:
    """All ultrasound images of the device pass, also of the first patient; who and why is stored."""
    release = story.release
    assert release.device in release.status
    assert "3 item(s) released." == release.answer
    assert [("extracted", "dr", "No text on any.")] * 3 == release.items
    assert 0 == release.held
    assert "released by dr" in release.report


def test_a_patient_is_erased_from_every_bucket_and_table(story: Story) -> None:
    """No pseudonym or value of the originals is left, except in what is reported as frozen."""
    erasure, patient = story.erasure, story.patient
    assert [where for where, body in erasure.before.items() if patient.encode() in body]
    assert 4 == len(erasure.uids)
    for marker in (patient, "Patient901", "TEST-901", *erasure.uids):
        left = [where for where, body in erasure.after.items() if marker.lower().encode() in body.lower()]
        kept = {"erased_patient", "erasure_request"} if marker == patient else set()
        assert kept == {where for where in left if not _is_frozen(where)}, marker


def _is_frozen(where: str) -> bool:
    """Whether this belongs to a frozen version, which an erasure reports and does not change."""
    return where.startswith("training-sets/films/v1/") or where == "training_set_patient"


def test_an_erasure_says_what_it_deleted(story: Story) -> None:
    """It counts originals and label files and names frozen versions; a second one finds nothing more."""
    answer, again = story.erasure.answer, story.erasure.again
    assert (7, 1) == (answer["objects"]["raw"] + answer["objects"]["quarantine"], answer["label_files"])
    assert (0, ["films v1"]) == (answer["files_of_unknown_patients"], answer["frozen_exports"])
    assert {} == {name: number for name, number in (again["objects"] | again["rows"]).items() if number}


def test_an_erasure_is_stored_and_balanced(story: Story) -> None:
    """Pseudonym and reason are stored, so that new files are refused, and every file is still counted."""
    erasure = story.erasure
    assert [(story.patient, "Consent withdrawn.")] == erasure.erased
    assert (0, 0) == (erasure.balance["files_difference"], erasure.balance["images_difference"])
    # The patient's file still lies in the mixed folder of the NAS; a poll may have found and erased it again.
    assert erasure.balance["files_erased"] in {7, 8}


def test_other_patients_are_not_erased(story: Story) -> None:
    """Objects, labels and images of another patient are where they were."""
    erasure, other = story.erasure, story.other
    assert 1 == erasure.images_of_other
    assert [w for w in erasure.before if other in w] == [w for w in erasure.after if other in w]
    assert other in erasure.labels


def test_only_the_version_before_the_erasure_has_the_patient(story: Story) -> None:
    """A training set that is frozen afterwards has the other patients only."""
    manifests = story.erasure.manifests
    assert [True, False] == [story.patient in manifest for manifest in manifests]
    assert [True, True] == [story.other in manifest for manifest in manifests]


@pytest.mark.parametrize("kind", ["image", "held", "cut", "report"])
def test_new_files_of_an_erased_patient_are_deleted(story: Story, kind: str) -> None:
    """A file of any kind is deleted and counted as erased, and nothing is written."""
    returned = story.returns[kind]
    assert (("done", "erased"), True, 200) == (returned.state, returned.is_deleted, returned.status)
    assert (returned.erased_before + 1, 0, 0) == (
        returned.balance["files_erased"],
        returned.balance["files_difference"],
        returned.balance["images_difference"],
    )
    assert [] == returned.patients


def test_a_wrong_pseudonym_is_refused(home: RunningHome) -> None:
    """A patient id is not accepted as a pseudonym, and is not repeated in the message."""
    done = home.run_cli("erase", "--patient", "TEST-902", "--why", "x", "--yes")
    assert 2 == done.returncode
    assert "takes a pseudonym" in done.stderr
    assert "TEST-902" not in done.stdout + done.stderr
    assert 2 == home.run_cli("release", "--why", "x").returncode
