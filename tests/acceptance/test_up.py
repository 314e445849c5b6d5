"""`dcm2set up` as a user sees it: it keeps secrets, runs a home once, and leaves no process behind."""

import json
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from infra.local.home import MARKER
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance


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


@dataclass(frozen=True)
class Life:
    """What was seen of one home that was started, ended, started again and killed."""

    folder: Path
    first: RunningHome
    processes: int  # while it ran
    code: int  # of `up`, after Ctrl-C
    left: list[psutil.Process]  # processes afterwards
    files: set[str]  # in its folder afterwards
    second: RunningHome
    extracted: int  # files, by the second start
    verdicts: list[str]


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    """A home that Ctrl-C ended once, and that a signal 9 has ended now."""
    parent = Path(tempfile.mkdtemp(prefix="dcm2set-test-"))
    try:
        yield _lived(parent / "home")
    finally:
        shutil.rmtree(parent)


def _lived(folder: Path) -> Life:
    first = RunningHome.start(folder, {})
    try:
        first.put("incoming/kept.dcm", make_instance(1, patient=401))
        first.settled("extract", "incoming/kept.dcm")
        first.wait_until_idle()
        _leave_original(folder)
        number = len(processes_of(folder))
    finally:
        code = first.end(signal_number=signal.SIGINT)
    left, files = processes_of(folder), {path.name for path in folder.iterdir()}
    second = RunningHome.start(folder, {})
    try:
        extracted = second.status()["balance"]["files_extracted"]
        verdicts = [row["verdict"] for row in second.rows("select verdict from image_overview")]
    finally:
        second.end(signal_number=signal.SIGKILL)
    return Life(folder, first, number, code, left, files, second, extracted, verdicts)


def _leave_original(folder: Path) -> None:
    """Leave a file as a killed worker leaves it."""
    (folder / "tmp" / "left").mkdir()
    (folder / "tmp" / "left" / "source.dcm").write_bytes(b"left by a killed worker")


def test_a_home_ends_cleanly_and_starts_again(life: Life) -> None:
    """Ctrl-C ends every process; a second start of the home finds its data, TCP ports and secrets."""
    assert life.processes >= 8
    assert 0 == life.code
    assert [] == life.left
    assert "endpoints.json" not in life.files
    before, after = life.first.endpoints, life.second.endpoints
    assert (before["minio"], before["token"]) == (after["minio"], after["token"])
    assert (1, ["good"]) == (life.extracted, life.verdicts)


def test_the_temporary_folder_is_removed_at_the_end(life: Life) -> None:
    """Files that a killed worker left in the temporary folder are gone when the home ends."""
    assert "log" in life.files
    assert "tmp" not in life.files


def test_a_killed_up_leaves_no_process(life: Life) -> None:
    """Even if `up` is killed with signal 9, everything that it started ends too."""
    assert life.second.process.poll() is not None
    assert wait_for(lambda: not processes_of(life.folder), seconds=60)


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


def test_a_crash_and_the_restart_are_shown(home: RunningHome) -> None:
    """A process that crashes is restarted, and `up` prints both."""
    output = home.folder.parent / "up.log"
    before = len(output.read_text())
    for process in home.processes("sweep"):
        process.kill()
    assert wait_for(lambda: "exited: sweep" in output.read_text()[before:], seconds=30)
    assert wait_for(lambda: "spawned: 'sweep'" in output.read_text()[before:], seconds=30)
    assert wait_for(home.is_up, seconds=60)
