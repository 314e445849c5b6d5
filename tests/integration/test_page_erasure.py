"""A patient erased from the page of a running home: asked there, carried out by `dcm2set up`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from tests.support.local_home import Row, RunningHome, wait_for
from tests.support.page_client import PageClient
from tests.support.real_files import make_instance


def _request(home: RunningHome, patient: str) -> Row:
    return home.rows("select * from erasure_request where patient_id = %s order by id desc", patient)[0]


def _is_done(home: RunningHome, patient: str) -> Any:
    return wait_for(lambda: _request(home, patient)["state"] == "done" or None, seconds=60)


def test_a_patient_is_erased_from_the_page(home: RunningHome) -> None:
    """By the form of an item; afterwards list and shell tell what was found, and nothing has a UID."""
    home.put("incoming/pageerasure/1.dcm", make_instance(1, patient=970))
    item = home.settled("extract", "incoming/pageerasure/1.dcm")
    home.wait_until_idle()
    patient, operator = item["patient_id"], PageClient.of(home, "operator")
    form = f"/erasures/of/{item['id']}"
    fields = {"patient": patient, "typed": patient, "why": "Consent withdrawn."}
    answer = operator.post("/erasures/ask", form_of=form, **fields)
    assert (303, "/erasures/") == (answer.status, answer.headers["Location"])
    early = home.run_cli("erase", "--asked")
    assert (0, "No erasure is due.") == (early.returncode, early.stdout.strip())
    with psycopg.connect(home.endpoints["database_url"]) as connection:
        connection.execute("update erasure_request set asked_at = now() - interval '1 hour'")
    assert _is_done(home, patient), _request(home, patient)
    assert [] == home.rows("select from image_overview where patient_id = %s", patient)
    assert [] == list(home.store.list_prefix("deidentified", patient))
    request = _request(home, patient)
    assert 1 == request["outcome"]["rows"]["image"]
    assert item["sop_instance_uid"] not in str(request)
    shown = operator.get("/erasures/").data.decode()
    assert f"Erasure {request['id']}: done" in shown
    assert "1 row(s) of image erased" in shown
    listed = home.run_cli("erasures").stdout
    assert f"Erasure {request['id']} of {patient}: done" in listed
    assert "1 row(s) of image erased" in listed
    rows = home.rows("select action from audit_event where details ->> 'erasure' = %s", str(request["id"]))
    assert ["ask erasure", "erase"] == [row["action"] for row in rows]
    assert 404 == operator.get(form).status
    output = (home.folder.parent / "up.log").read_text()
    assert f"Erasure {request['id']} is done." in output
    log = (home.folder / "log" / "review.log").read_text(encoding="utf-8")
    assert patient not in log + output


def test_what_dcm2set_erase_takes(home: RunningHome) -> None:
    """Either a patient with a reason, or --asked."""
    for words in (
        (),
        ("--patient", f"P{'0' * 20}"),
        ("--asked", "--why", "x"),
        ("--asked", "--patient", "x"),
    ):
        done = home.run_cli("erase", *words)
        assert (2, True) == (done.returncode, "Give either --patient and --why, or --asked" in done.stderr)


def test_commands_where_no_home_runs(home: RunningHome, tmp_path: Path) -> None:
    """With the settings that provision needs, commands of the operator work, and erasures are carried out."""
    minio, folder = home.endpoints["minio"], tmp_path / "no home"
    environment = os.environ | {
        "DATABASE_URL": home.endpoints["database_url"],
        "DCM2SET_MINIO_ENDPOINT": minio["endpoint"],
        "DCM2SET_MINIO_ACCESS_KEY": minio["access_key"],
        "DCM2SET_MINIO_SECRET_KEY": minio["secret_key"],
        "DCM2SET_PSEUDONYM_KEY": json.loads((home.folder / "secrets.json").read_text())["pseudonym_key"],
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "infra.cli"]
    listed = subprocess.run(
        [*command, "erasures", "--home", str(folder)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (0, "") == (listed.returncode, listed.stderr)
    assert home.run_cli("erasures").stdout == listed.stdout
    follower = subprocess.Popen(
        [*command, "erase", "--asked", "--follow", "--home", str(folder)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert follower.stdout is not None
    assert "Erasures that are asked for are carried out.\n" == follower.stdout.readline()
    follower.send_signal(signal.SIGTERM)
    assert ("", 0) == (follower.communicate(timeout=30)[0], follower.returncode)
    without = {name: v for name, v in environment.items() if name != "DCM2SET_MINIO_SECRET_KEY"}
    refused = subprocess.run(
        [*command, "erasures", "--home", str(folder)],
        env=without, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (2, True) == (refused.returncode, "is not running" in refused.stderr)
