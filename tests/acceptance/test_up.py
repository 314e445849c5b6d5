"""`dcm2set up` as a user meets it: secrets kept, one run a home, nothing left behind."""

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
    """A place for a home of the test's own."""
    place = Path(tempfile.mkdtemp(prefix="dcm2set-test-"))
    yield place / "home"
    shutil.rmtree(place)


def processes_of(folder: Path) -> list[psutil.Process]:
    """What runs for a home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == str(folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_a_home_ends_cleanly_and_carries_on(folder: Path) -> None:
    """Ctrl-C ends every process; a second start on the same home finds its data, ports and secrets."""
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
    """Even killed with -9, `up` takes everything that it started with it."""
    home = RunningHome.start(folder, {})
    home.end(signal_number=signal.SIGKILL)
    assert wait_for(lambda: not processes_of(folder), seconds=60)


def test_secrets_are_the_owners_alone(home: RunningHome) -> None:
    """Every file with a secret is mode 0600 in a folder 0700; none stands in a process list or a log."""
    assert 0o700 == stat.S_IMODE(home.folder.stat().st_mode)
    known = json.loads((home.folder / "secrets.json").read_text())
    secrets = [known[name] for name in ("minio_password", "postgres_password", "token", "pseudonym_key")]
    secrets += [home.endpoints["token"], *known["minio_keys"].values(), *known["postgres_keys"].values()]
    listed = str([process.info["cmdline"] for process in psutil.process_iter(["cmdline"])])
    assert [] == [secret for secret in secrets if secret in listed]
    for path in home.folder.iterdir():
        if path.is_file() and any(secret in path.read_text(errors="replace") for secret in secrets):
            assert 0o600 == stat.S_IMODE(path.stat().st_mode), path.name
    logs = [*(home.folder / "log").iterdir(), home.folder.parent / "up.log"]
    told = "".join(path.read_text(errors="replace") for path in logs)
    assert [] == [secret for secret in secrets if secret in told]


def test_a_home_runs_once(home: RunningHome) -> None:
    """A second `up` on a running home says so in one line and exits with code 2."""
    done = home.run_cli("up")
    assert (2, "") == (done.returncode, done.stdout)
    assert "is running already" in done.stderr


def test_only_loopback_is_listened_on(home: RunningHome) -> None:
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
    """`dcm2set doctor` ends with exit code 0 and names each function."""
    assert wait_for(home.is_up, seconds=60)
    done = home.run_cli("doctor")
    assert "extract: healthy" in done.stdout
    assert "Postgres" in done.stdout


@pytest.mark.parametrize("command", ["up", "demo", "status", "replay", "release", "train", "doctor"])
def test_every_command_has_help(command: str) -> None:
    """`--help` works everywhere."""
    words = [sys.executable, "-m", "infra.cli", command, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode
    assert "Usage:" in done.stdout


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    """A wrong setting is named in one line, without its value, and the exit code is 2."""
    words = [sys.executable, "-m", "infra.cli", "up", "--home", str(tmp_path / "home")]
    environment = {"PATH": "/usr/bin:/bin", "DCM2SET_PSEUDONYM_KEY": "sesame"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "DCM2SET_PSEUDONYM_KEY" in done.stderr
    assert "sesame" not in done.stderr


def test_a_crash_and_the_restart_are_told(start_home) -> None:
    """What crashes is restarted, and `up` says so."""
    home = start_home()
    for process in home.processes("sweep"):
        process.kill()
    told = home.folder.parent / "up.log"
    assert wait_for(lambda: "exited: sweep" in told.read_text(), seconds=30)
    assert wait_for(lambda: "spawned: 'sweep'" in told.read_text(), seconds=30)
    assert wait_for(home.is_up, seconds=60)
