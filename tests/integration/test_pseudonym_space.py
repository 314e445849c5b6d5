"""A home belongs to one pseudonym key: another is refused, and patients who were erased stay erased."""

import secrets
import subprocess
import sys
from pathlib import Path

import orjson
import psycopg
import pytest

from common.errors import SettingsError
from deidentification.pseudonym import Pseudonyms
from infra.local.home import Home
from infra.provision.pseudonym_space import Keys, enter_space, read_spaces
from tests.conftest import StartHome
from tests.support.local_home import RunningHome, wait_for
from tests.support.own_database import own_database
from tests.support.real_files import make_instance

FAST = {"DCM2SET_SWEEP_SECONDS": "1", "DCM2SET_SWEEP_GRACE_SECONDS": "1"}
OTHER = secrets.token_hex(32)


def run_with_key(
    home: RunningHome, key: str, *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess:
    """Run a command on a running home from a shell with a pseudonym key."""
    environment = {"PATH": "/usr/bin:/bin", "DCM2SET_PSEUDONYM_KEY": key}
    command = [sys.executable, "-m", "infra.cli", arguments[0], "--home", str(home.folder), *arguments[1:]]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=environment, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ["pseudonym"],
        ["report"],
        ["erase", "--patient", f"P{'0' * 20}", "--why", "x", "--yes"],
        ["backup", "TARGET"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_with_another_key_is_refused(home: RunningHome, command: list[str], tmp_path: Path) -> None:
    """The message names the setting, nothing is printed or written, and the key is not shown."""
    words = [str(tmp_path / "backup") if word == "TARGET" else word for word in command]
    done = run_with_key(home, OTHER, *words, stdin="A1\n")
    assert (2, "") == (done.returncode, done.stdout)
    assert "DCM2SET_PSEUDONYM_KEY" in done.stderr
    assert OTHER not in done.stderr
    assert not (tmp_path / "backup").exists()
    assert not home.rows("select 1 from erased_patient where patient_id = %s", f"P{'0' * 20}")


def test_the_right_key_is_accepted(home: RunningHome) -> None:
    """A command with the home's key in the environment answers as without it."""
    key = Home(home.folder).secrets().pseudonym_key
    done = run_with_key(home, key, "pseudonym", stdin="A1\n")
    assert 0 == done.returncode, done.stderr
    assert Pseudonyms(bytes.fromhex(key)).patient("A1", "", "") == done.stdout.strip()


def test_the_doctor_tells_of_another_key(home: RunningHome) -> None:
    """The doctor has a finding for the key."""
    assert "WRONG  pseudonym key: DCM2SET_PSEUDONYM_KEY" in run_with_key(home, OTHER, "doctor").stdout
    assert "ok     pseudonym key: is that of the database, space 'first'" in home.run_cli("doctor").stdout


def test_the_database_holds_a_check_value_and_not_the_key(home: RunningHome) -> None:
    """One row recognises the key; neither the key nor its id can be read from it."""
    (row,) = home.rows("select * from pseudonym_space")
    key = Home(home.folder).secrets().pseudonym_key
    assert Pseudonyms(bytes.fromhex(key)).key_check == row["key_check"]
    assert key not in str(row)


def test_a_process_of_extract_with_another_key_refuses_every_file(home: RunningHome, tmp_path: Path) -> None:
    """A second process with another key answers 503, names the setting and does not show the key."""
    environment = home.function_environment("extract") | {"DCM2SET_PSEUDONYM_KEY": OTHER}
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path)
    import urllib3

    with home.second_process("extract", environment, tmp_path) as url:
        answer = urllib3.request(
            "POST",
            url,
            headers={"Authorization": f"Bearer {home.endpoints['token']}"},
            json={"bucket": "raw", "key": "incoming/key/1.dcm"},
            retries=False,
        )
        assert 503 == answer.status
        assert "DCM2SET_PSEUDONYM_KEY" in answer.json()["cause"]
        assert OTHER not in answer.data.decode()


def test_a_space_is_started_by_name_only(home: RunningHome) -> None:
    """Neither a known key nor a known name starts a space, and without a name another key is refused."""
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    with own_database(home.endpoints["database_url"]) as url:
        with psycopg.connect(url) as connection:
            connection.execute("delete from pseudonym_space")
        enter_space(url, Keys(first, ()), who="a")
        enter_space(url, Keys(first, ()), who="a")
        for keys, name in ((Keys(second, ()), None), (Keys(first, ()), "b"), (Keys(second, ()), "A B")):
            with pytest.raises(SettingsError):
                enter_space(url, keys, new_space=name, who="a")
        enter_space(url, Keys(second, ()), new_space="b", who="a")
        with pytest.raises(SettingsError, match="earlier space 'first'"):
            enter_space(url, Keys(first, (second,)), who="a")
        with psycopg.connect(url) as connection:
            assert ["first", "b"] == [space.name for space in read_spaces(connection)]
            connection.execute(
                "insert into erased_patient (patient_id, erased_by, why, space) "
                "select 'P', 'dr', 'x', min(number) from pseudonym_space"
            )
        with pytest.raises(SettingsError, match="DCM2SET_FORMER_PSEUDONYM_KEYS"):
            enter_space(url, Keys(second, ()), who="a")
        enter_space(url, Keys(second, (first,)), who="a")


def test_erased_patients_stay_erased_in_every_space(start_home: StartHome) -> None:
    """The attack: an erased patient came back under the pseudonym of another key."""
    home = start_home(**FAST)
    folder = home.folder
    home.put("incoming/first/1.dcm", make_instance(1, patient=700))
    home.put("incoming/first/2.dcm", make_instance(2, patient=701))
    assert "extracted" == home.settled("extract", "incoming/first/1.dcm")["outcome"]
    home.wait_until_idle()
    patient = home.run_cli("pseudonym", stdin="test-700\n").stdout.strip()
    done = home.run_cli("erase", "--patient", patient, "--why", "Consent withdrawn.", "--yes", "--json")
    assert (0, []) == (done.returncode, orjson.loads(done.stdout)["other_spaces"]), done.stderr
    home.end()
    refused = _up(folder, OTHER)
    assert 2 == refused.returncode
    assert "DCM2SET_PSEUDONYM_KEY" in refused.stderr
    new_space = ("--new-pseudonym-space", "second")
    home = start_home(folder=folder, options=new_space, DCM2SET_PSEUDONYM_KEY=OTHER, **FAST)
    home.put("incoming/second/1.dcm", make_instance(1, patient=700))
    home.put("incoming/second/cut.dcm", make_instance(3, patient=700)[:-5000])
    home.put("incoming/second/2.dcm", make_instance(2, patient=701))
    assert "erased" == home.settled("extract", "incoming/second/1.dcm")["outcome"]
    assert "erased" == home.settled("extract", "incoming/second/cut.dcm")["outcome"]
    assert "extracted" == home.settled("extract", "incoming/second/2.dcm")["outcome"]
    home.wait_until_idle()
    new = Pseudonyms(bytes.fromhex(OTHER))
    assert [{"patient_id": new.patient("test-701", "", "")}] == home.rows(
        "select patient_id from patient where created_at > (select max(started_at) from pseudonym_space)"
    )
    assert wait_for(lambda: not list(home.store.list_prefix("raw", "incoming/second/1.dcm")), seconds=30)
    former = run_with_key(home, OTHER, "pseudonym", "--space", "first", stdin="test-700\n")
    assert patient == former.stdout.strip(), former.stderr
    again = run_with_key(
        home, OTHER, "erase", "--patient", new.patient("test-701", "", ""), "--why", "x", "--yes"
    )
    assert "another pseudonym in the space first" in again.stdout
    rows = home.rows("select patient_id, space from erased_patient order by erased_at")
    assert [(patient, 1), (new.patient("test-701", "", ""), 2)] == [tuple(row.values()) for row in rows]


def _up(folder: Path, key: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "infra.cli", "up", "--home", str(folder)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "DCM2SET_PSEUDONYM_KEY": key}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
