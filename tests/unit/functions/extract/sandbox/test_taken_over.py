"""A decoder that was taken over: the kernel refuses its process all that it needs for nothing."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from common.confinement.confinement import missing_protections
from functions.extract.sandbox.process import SandboxCrashedError
from tests.support.taken_over import TakenOver, taken_over

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
PARENT = os.getpid()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TakenOver]:
    """One sandbox process for all attempts: none of them ends it."""
    with taken_over(tmp_path_factory.mktemp("own")) as sandbox:
        yield sandbox


def zygote_of(sandbox: TakenOver) -> int:
    """The parent of the sandbox process."""
    assert sandbox.draws()
    return psutil.Process(sandbox.pid).ppid()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the same user, such as the home's secrets or another file's source."""
    path = tmp_path / "secrets.json"
    path.write_text("secret")
    return path


def test_this_machine_offers_every_protection() -> None:
    """Without one of them the tests of this file would say nothing; doctor names what is missing."""
    assert [] == missing_protections()


def test_no_credential_is_within_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox process has none of the function's settings in its environment."""
    names = ("DCM2SET_MINIO_SECRET_KEY", "DATABASE_URL", "DCM2SET_PSEUDONYM_KEY")
    for name in names:
        monkeypatch.setenv(name, "secret")
    with taken_over(tmp_path) as sandbox:
        for name in names:
            sandbox.attempt("find_variable", name)


def test_files_of_the_user_are_neither_read_nor_changed(sandbox: TakenOver, secret: Path) -> None:
    """Not the secrets, not another file's folder, not the project's own folder, not the password file."""
    for path in (secret, Path("pyproject.toml").resolve(), Path("/etc/passwd")):
        assert "EACCES" == sandbox.attempt("read", str(path))
    assert "EACCES" == sandbox.attempt("list_folder", str(secret.parent))
    sandbox.attempt("change", str(secret))
    assert "secret" == secret.read_text()
    assert [secret] == list(secret.parent.iterdir())
    assert sandbox.draws()


@pytest.mark.parametrize("name", ["environ", "mem", "maps", "cmdline"])
def test_other_processes_are_not_read(sandbox: TakenOver, name: str) -> None:
    """Nor is its own environment."""
    for pid in (PARENT, zygote_of(sandbox), "self"):
        assert "EACCES" == sandbox.attempt("read", f"/proc/{pid}/{name}")
        assert "EACCES" == sandbox.attempt("list_folder", f"/proc/{pid}/fd")


def test_nothing_is_connected_to(sandbox: TakenOver, tmp_path: Path) -> None:
    """A server on this machine is reached neither by TCP nor by a Unix socket, nor by another kind."""
    path = str(tmp_path / "socket")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(path)
        local.listen()
        assert "EPERM" == sandbox.attempt("connect", list(server.getsockname()))
        assert "EPERM" == sandbox.attempt("connect", path)
    assert "EPERM" == sandbox.attempt("other_sockets")


@pytest.mark.parametrize("name", ["fork", "start_threads", "fill_memory", "raise_limits", "use_the_kernel"])
def test_the_machine_is_not_exhausted_or_explored(sandbox: TakenOver, name: str) -> None:
    """No process, no thread, no uncounted memory, no other limit, no part of the kernel besides."""
    sandbox.attempt(name)
    assert sandbox.draws()


def test_no_program_is_started(sandbox: TakenOver) -> None:
    """Neither beside the process nor in its place."""
    sandbox.attempt("execute", "/bin/sh")
    assert sandbox.draws()


@pytest.mark.parametrize("name", ["trace", "kill"])
def test_other_processes_are_left_alone(sandbox: TakenOver, name: str) -> None:
    """Neither extract nor the zygote is traced or read or sent a signal, by any call."""
    sandbox.attempt(name, PARENT)
    sandbox.attempt(name, zygote_of(sandbox))
    assert sandbox.draws()


def test_the_disk_is_not_filled(sandbox: TakenOver) -> None:
    """An output ends at its limit, and what was written is gone before the next file."""
    assert "EFBIG" == sandbox.attempt("fill_disk")
    assert sandbox.draws()


def test_the_folder_of_the_process_holds_two_outputs_and_no_more(sandbox: TakenOver) -> None:
    """No other file, folder or link is made beside them."""
    assert sandbox.draws()
    folder = sandbox.pool._idle.queue[-1].folder  # noqa: SLF001
    with pytest.raises(AssertionError, match="written"):  # the outputs themselves may be written
        sandbox.attempt("change", str(folder.outputs / "outputs"))
    for path in (folder.outputs / "other", folder.source):
        sandbox.attempt("change", str(path))
    assert ["deidentified.dcm", "outputs"] == sorted(path.name for path in folder.outputs.iterdir())


def test_a_system_call_of_another_table_ends_the_process(sandbox: TakenOver) -> None:
    """It is killed by the filter, the crash says so, and the next file is drawn."""
    if os.uname().machine == "x86_64":
        with pytest.raises(SandboxCrashedError, match="SIGSYS"):
            sandbox.attempt("call_as_x32")
    assert sandbox.draws()


def test_a_crash_says_how_the_process_ended(sandbox: TakenOver) -> None:
    """The signal and the function of ours that was running; nothing of what libraries printed."""
    with pytest.raises(SandboxCrashedError, match=r"crashed \(SIGSEGV in _answer\)\."):
        sandbox.attempt("crash")
    assert sandbox.draws()


def test_the_process_can_gain_nothing_again(sandbox: TakenOver) -> None:
    """The kernel says that the filter is set, and that no new privileges and no core dump are possible."""
    assert sandbox.draws()
    status = Path(f"/proc/{sandbox.pid}/status").read_text()
    limits = Path(f"/proc/{sandbox.pid}/limits").read_text().splitlines()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    for name, value in (("core file size", "0"), ("processes", "0"), ("open files", "64")):
        (line,) = (line for line in limits if line.startswith(f"Max {name}"))
        assert [value, value] == line.removeprefix(f"Max {name}").split()[:2]
