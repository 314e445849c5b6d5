"""`dcm2set up` as a user sees it: it keeps secrets, runs a home once, and leaves no process behind."""

import json
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.home import MARKER
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance


@pytest.fixture
def folder() -> Iterator[Path]:
    """The folder of a new home for one test."""
    parent = Path(tempfile.mkdtemp(prefix="dcm2set-test-"))
    yield parent / "home"
    shutil.rmtree(parent)


def processes_of(folder: Path) -> list[psutil.Process]:
    """The running processes of a home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == str(folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_a_home_ends_cleanly_and_starts_again(folder: Path) -> None:
    """Ctrl-C ends every process; a second start of the home finds its data, TCP ports and secrets."""
    first = RunningHome.start(folder, {})
    first.put("incoming/kept.dcm", make_instance(1, patient=401))
    first.settled("extract", "incoming/kept.dcm")
    first.wait_until_idle()
    assert len(processes_of(folder)) >= 8
    before = first.endpoints
    assert 0 == first.end(signal_number=signal.SIGINT)
    assert [] == processes_of(folder)
    assert not (folder / "endpoints.json").exists()
    second = RunningHome.start(folder, {})
    try:
        assert (before["minio"], before["token"]) == (second.endpoints["minio"], second.endpoints["token"])
        assert 1 == second.status()["balance"]["files_extracted"]
        assert "good" == second.rows("select verdict from image_overview")[0]["verdict"]
    finally:
        second.end()


def test_a_killed_up_leaves_no_process(folder: Path) -> None:
    """Even if `up` is killed with signal 9, everything that it started ends too."""
    home = RunningHome.start(folder, {})
    home.end(signal_number=signal.SIGKILL)
    assert wait_for(lambda: not processes_of(folder), seconds=60)


def test_secrets_are_the_owners_alone(home: RunningHome) -> None:
    """Files with secrets have mode 0600 in a folder of mode 0700; no process list or log has a secret."""
    assert 0o700 == stat.S_IMODE(home.folder.stat().st_mode)
    stored = json.loads((home.folder / "secrets.json").read_text())
    secrets = [stored[name] for name in ("minio_password", "postgres_password", "token", "pseudonym_key")]
    secrets += [home.endpoints["token"], *stored["minio_keys"].values(), *stored["postgres_keys"].values()]
    listed = str([process.info["cmdline"] for process in psutil.process_iter(["cmdline"])])
    assert [] == [secret for secret in secrets if secret in listed]
    for path in home.folder.iterdir():
        if path.is_file() and any(secret in path.read_text(errors="replace") for secret in secrets):
            assert 0o600 == stat.S_IMODE(path.stat().st_mode), path.name
    logs = [*(home.folder / "log").iterdir(), home.folder.parent / "up.log"]
    logged = "".join(path.read_text(errors="replace") for path in logs)
    assert [] == [secret for secret in secrets if secret in logged]


def test_a_home_runs_once(home: RunningHome) -> None:
    """A second `up` of a running home prints one line and exits with code 2."""
    done = home.run_cli("up")
    assert (2, "") == (done.returncode, done.stdout)
    assert "is running already" in done.stderr


def test_every_process_listens_on_loopback(home: RunningHome) -> None:
    """No process of a home listens on an address that another machine can reach."""
    listening = [
        connection.laddr.ip
        for process in processes_of(home.folder)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_doctor_finds_a_running_home_healthy(home: RunningHome) -> None:
    """`dcm2set doctor` reports the functions as healthy, and the servers."""
    assert wait_for(home.is_up, seconds=60)
    done = home.run_cli("doctor")
    assert "extract: healthy" in done.stdout
    assert "Postgres" in done.stdout


@pytest.mark.parametrize("command", ["up", "demo", "status", "replay", "release", "train", "doctor"])
def test_every_command_has_help(command: str) -> None:
    """`--help` works everywhere."""
    arguments = [sys.executable, "-m", "infra.cli", command, "--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode
    assert "Usage:" in done.stdout


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    """A wrong setting is named in one line, without its value, and the exit code is 2."""
    arguments = [sys.executable, "-m", "infra.cli", "up", "--home", str(tmp_path / "home")]
    environment = {"PATH": "/usr/bin:/bin", "DCM2SET_PSEUDONYM_KEY": "sesame"}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "DCM2SET_PSEUDONYM_KEY" in done.stderr
    assert "sesame" not in done.stderr


def test_a_crash_and_the_restart_are_shown(start_home) -> None:
    """A process that crashes is restarted, and `up` prints both."""
    home = start_home()
    for process in home.processes("sweep"):
        process.kill()
    output = home.folder.parent / "up.log"
    assert wait_for(lambda: "exited: sweep" in output.read_text(), seconds=30)
    assert wait_for(lambda: "spawned: 'sweep'" in output.read_text(), seconds=30)
    assert wait_for(home.is_up, seconds=60)
