"""What an erasure does to a home: release, erasure and return of files, each recorded for tests."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pydicom

from common.store.object_key import Location
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

US = "examples_rgb_color.dcm"


@dataclass(frozen=True)
class Beginning:
    """What was known of the files of the home, before anything was done."""

    files: dict[str, int]  # of the first patient, by outcome or state
    report: dict[int, dict[str, Any]]  # its entries by folder
    folders: dict[str, int]  # their numbers by name
    texts: str  # all that the report printed
    mixed: str  # what it printed of the mixed folder


@dataclass(frozen=True)
class Release:
    """The release of the held images of a device."""

    device: str
    status: str  # before
    answer: str
    items: list[tuple[Any, ...]]  # outcome, who and why of the released items
    held: int  # files, afterwards
    report: str


@dataclass(frozen=True)
class Erasure:
    """The erasure of the first patient, with all objects and rows before and after."""

    uids: list[str]  # of the patient's instances
    answer: dict[str, Any]
    again: dict[str, Any]  # the answer of a second erasure
    before: dict[str, bytes]
    after: dict[str, bytes]
    balance: dict[str, int]
    images_of_other: int
    labels: str
    erased: list[tuple[Any, ...]]  # pseudonym and reason
    manifests: list[str]  # of the training sets frozen before and after


@dataclass(frozen=True)
class Return:
    """A file of the erased patient that came in later."""

    state: tuple[str, str]  # state and outcome
    is_deleted: bool
    status: int  # of the answer to its event, sent once more
    erased_before: int
    balance: dict[str, int]
    patients: list[dict[str, Any]]  # rows of the erased patient


@dataclass(frozen=True)
class Story:
    """All that was recorded."""

    patient: str  # pseudonym of the first patient, who is erased
    other: str  # of another patient
    beginning: Beginning
    release: Release
    erasure: Erasure
    returns: dict[str, Return]  # by kind of file


def make_report(patient: int) -> bytes:
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


def _begin(home: RunningHome, patient: str) -> Beginning:
    rows = home.rows(
        "select coalesce(outcome, state) as became, count(*) as number from ledger_item "
        "where function = 'extract' and patient_id = %s group by 1",
        patient,
    )
    printed = home.run_cli("report", "--json").stdout
    folders = {row["name"]: row["id"] for row in home.rows("select id, name from source_folder")}
    mixed = home.run_cli("report", "--folder", str(folders["Mixed"])).stdout
    return Beginning(
        files={row["became"]: row["number"] for row in rows},
        report={entry["folder"]: entry for entry in orjson.loads(printed)},
        folders=folders,
        texts=printed + mixed,
        mixed=mixed,
    )


def _release(home: RunningHome) -> Release:
    (device,) = {row["device"] for row in home.rows("select device from ledger_item where state = 'held'")}
    status = home.run_cli("status").stdout
    decision = ("release", "--device", device, "--why", "No text on any.", "--who", "dr")
    done = home.run_cli(*decision)
    home.wait_until_idle()
    if home.status()["balance"]["files_held"]:  # the search read words that the patient's header has too
        assert 0 == home.run_cli(*decision).returncode
        home.wait_until_idle()
    rows = home.rows("select outcome, released_by, released_why from ledger_item where releases > 0")
    return Release(
        device,
        status,
        done.stdout.strip(),
        [tuple(row.values()) for row in rows],
        home.status()["balance"]["files_held"],
        home.run_cli("report").stdout,
    )


def _erase(home: RunningHome, patient: str, other: str, folders: list[Path]) -> Erasure:
    manifests = [_frozen(home, 1, folders[0])]
    before = everything(home)
    rows = home.rows("select sop_instance_uid from image_overview where patient_id = %s", patient)
    answer = _erased(home, patient, "Consent withdrawn.")
    after, balance = everything(home), home.status()["balance"]
    images = home.rows("select 1 from image_overview where patient_id = %s", other)
    stored = home.store.stat(Location("annotations", "processed/team/labels.csv"))
    erased = home.rows("select patient_id, why from erased_patient")
    again = _erased(home, patient, "Once more.")
    manifests.append(_frozen(home, 2, folders[1]))
    return Erasure(
        uids=[row["sop_instance_uid"] for row in rows],
        answer=answer,
        again=again,
        before=before,
        after=after,
        balance=balance,
        images_of_other=len(images),
        labels=home.store.read(stored).decode(),
        erased=[(row["patient_id"], row["why"]) for row in erased],
        manifests=manifests,
    )


def _erased(home: RunningHome, patient: str, why: str) -> dict[str, Any]:
    done = home.run_cli("erase", "--patient", patient, "--why", why, "--yes", "--json")
    assert 0 == done.returncode, done.stderr
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return answer


def _frozen(home: RunningHome, number: int, out: Path) -> str:
    """The manifest of a new version of a training set."""
    words = ("--where", "verdict is not null", "--any-label", "--without-statement", "a test", "--json")
    done = home.run_cli("export", "films", "--out", str(out), *words)
    assert 0 == done.returncode, done.stderr
    assert number == orjson.loads(done.stdout)["version"]
    return (out / "manifest.json").read_text()


def _return(home: RunningHome, kind: str, body: bytes, patient: str) -> Return:
    erased_before = home.status()["balance"]["files_erased"]
    key = f"incoming/again/{kind}.dcm"
    etag = home.put(key, body)
    item = home.settled("extract", key)
    is_deleted = wait_for(lambda: not list(home.store.list_prefix("raw", key)), seconds=30)
    answer = home.post("extract", {"bucket": "raw", "key": key, "etag": etag, "size": len(body)})
    balance = home.wait_until_idle()["balance"]
    patients = home.rows("select 1 from patient where patient_id = %s", patient)
    state = (item["state"], item["outcome"])
    return Return(state, bool(is_deleted), answer.status, erased_before, balance, patients)


def tell_story(home: RunningHome, folders: list[Path]) -> Story:
    """Release, erasure and return, one after the other, each recorded; `folders` get two training sets."""
    patient, other = pseudonym(home, 901), pseudonym(home, 902)
    beginning, release = _begin(home, patient), _release(home)
    erasure = _erase(home, patient, other, folders)
    bodies = {
        "image": make_instance(11, patient=901),
        "held": make_instance(12, name=US, patient=901),
        "cut": make_instance(13, patient=901)[:-5000],
        "report": make_report(901),
    }
    returns = {kind: _return(home, kind, body, patient) for kind, body in bodies.items()}
    return Story(patient, other, beginning, release, erasure, returns)
