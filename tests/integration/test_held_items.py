"""Held files: looked at in a folder, refused, held again and released, on a running home."""

import csv
from pathlib import Path

import urllib3

from common.errors import ObjectMissingError
from common.store.object_key import Location
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

_NAME = "examples_rgb_color.dcm"


def _is_there(home: RunningHome, key: str) -> bool:
    try:
        home.store.stat(Location("raw", key))
    except ObjectMissingError:
        return False
    return True


def _refused(home: RunningHome) -> int:
    return int(home.status()["balance"]["files_refused"])


def _metric(home: RunningHome, text: str) -> bool:
    answer = urllib3.request(
        "GET",
        f"{home.endpoints['functions']['sweep']}metrics",
        headers={"Authorization": f"Bearer {home.endpoints['token']}"},
        retries=False,
    )
    return text in answer.data.decode()


def test_pictures_of_a_held_file_are_written(home: RunningHome, tmp_path: Path) -> None:
    """The picture, and a line of the table with what --device and --cause take."""
    home.put("incoming/decided/seen.dcm", make_instance(1, name=_NAME, patient=953))
    item = home.settled("extract", "incoming/decided/seen.dcm")
    assert "held" == item["state"]
    out = tmp_path / "held"
    written = home.run_cli("held", "--out", str(out), "--item", str(item["id"]))
    assert 0 == written.returncode, written.stderr
    (line,) = csv.DictReader((out / "held.csv").read_text(encoding="utf-8").splitlines())
    assert (str(item["id"]), item["device"], item["cause"]) == (line["item"], line["device"], line["cause"])
    assert (out / line["file"]).read_bytes().startswith(b"\x89PNG")
    assert f"--device '{item['device']}'" in home.run_cli("status").stdout


def test_a_refused_file_is_never_extracted(home: RunningHome) -> None:
    """Neither when it comes again nor by a sweep or another command; it is counted everywhere."""
    key, body = "incoming/decided/refused.dcm", make_instance(1, name=_NAME, patient=951)
    home.put(key, body)
    number, before = str(home.settled("extract", key)["id"]), _refused(home)
    assert 2 == home.run_cli("refuse", "--item", number, "--why", " ").returncode
    refused = home.run_cli("refuse", "--item", number, "--why", "Shows a name.", "--who", "nurse")
    assert (0, "1 item(s) refused.\n") == (refused.returncode, refused.stdout), refused.stderr
    assert before + 1 == _refused(home)
    assert wait_for(lambda: _metric(home, 'dcm2set_items{function="extract",state="refused"}'), seconds=20)
    home.put(key, body)
    assert wait_for(lambda: not _is_there(home, key), seconds=30)
    assert 200 == home.post("extract", {"due": True}).status
    for command in (("release", "--why", "No name."), ("replay",)):
        told = home.run_cli(command[0], "--item", number, *command[1:])
        assert (1, True) == (told.returncode, "refuse --undo" in told.stderr), told.stderr
    row = home.item("extract", key)
    assert row
    assert ("refused", 1, 0) == (row["state"], row["attempts"], row["releases"])


def test_a_refusal_is_undone_and_the_file_released(home: RunningHome) -> None:
    """It is held again and can be released; the trace has both decisions."""
    key = "incoming/decided/undone.dcm"
    home.put(key, make_instance(1, name=_NAME, patient=954))
    number = str(home.settled("extract", key)["id"])
    assert 0 == home.run_cli("refuse", "--item", number, "--why", "A name.", "--who", "nurse").returncode
    undone = home.run_cli("refuse", "--undo", "--item", number, "--why", "It is a ruler.")
    assert (0, "1 item(s) held again.\n") == (undone.returncode, undone.stdout), undone.stderr
    released = home.run_cli("release", "--item", number, "--blank", "0,0,320,240", "--why", "Blanked.")
    assert 0 == released.returncode, released.stderr
    done = wait_for(lambda: (row := home.item("extract", key)) and row["state"] == "done" and row, seconds=60)
    assert done
    assert "extracted" == done["outcome"]
    text = home.run_cli("trace", number).stdout
    assert text.index("refused by nurse: A name.") < text.index("the refusal undone by")
    assert 0 == home.wait_until_idle()["balance"]["files_difference"]


def test_an_erasure_removes_a_refused_original(home: RunningHome) -> None:
    """The original in raw/held is deleted, and the file counts as erased."""
    key = "incoming/decided/erased.dcm"
    home.put(key, make_instance(1, name=_NAME, patient=952))
    item = home.settled("extract", key)
    assert 0 == home.run_cli("refuse", "--item", str(item["id"]), "--why", "Shows a name.").returncode
    assert _is_there(home, "held/decided/erased.dcm")
    before = home.status()["balance"]
    erased = home.run_cli("erase", "--patient", item["patient_id"], "--why", "Consent withdrawn.", "--yes")
    assert 0 == erased.returncode, erased.stderr
    assert not _is_there(home, "held/decided/erased.dcm")
    after = home.status()["balance"]
    assert (before["files_refused"] - 1, before["files_erased"] + 1, 0) == (
        after["files_refused"],
        after["files_erased"],
        after["files_difference"],
    )
