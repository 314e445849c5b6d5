"""The zygote forks the sandbox processes, and ends with those that use them."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from common.errors import DependencyAwayError
from functions.extract.sandbox.pool import SandboxPool
from functions.extract.sandbox.process import SandboxCrashedError, SandboxProcess
from functions.extract.sandbox.zygote_client import NUMBER, ZygoteClient
from tests.support.factories import real_path
from tests.support.local_home import wait_for
from tests.support.repository import ROOT
from tests.support.sandbox_rules import RULES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
# Two workers, one forked by the other; both draw a file, and then the one that the argument names is killed.
_WORKERS = """
import os, psutil, signal, sys, tempfile
from pathlib import Path
from functions.extract.sandbox.pool import SandboxPool
from functions.extract.sandbox.zygote_client import zygote
from tests.support.factories import real_path
from tests.support.sandbox_rules import RULES

def draws(pool):
    with tempfile.TemporaryDirectory() as folder:
        pool(real_path("CT_small.dcm"), Path(folder), heartbeat=lambda: None)
    return pool._idle.queue[-1].pid

zygote().start()
reads, writes = os.pipe()
child = os.fork()
pool = SandboxPool(RULES, seconds=60, megabytes=512)
own = draws(pool)
if child == 0:
    os.close(1)  # the test reads until it ends
    os.write(writes, str(own).encode())
    signal.pause()
others = int(os.read(reads, 20))
assert psutil.Process(own).ppid() == psutil.Process(others).ppid() == zygote()._process.pid
print(zygote()._process.pid, child, own, others, flush=True)
os.kill(os.getpid() if sys.argv[1] == "starter" else child, signal.SIGKILL)
signal.pause()
"""


@pytest.fixture
def zygote() -> Iterator[ZygoteClient]:
    """A zygote of its own."""
    client = ZygoteClient()
    yield client
    client.close()


@pytest.fixture
def pool(zygote: ZygoteClient) -> Iterator[SandboxPool]:
    """A pool whose processes it forks."""
    pool = SandboxPool(RULES, seconds=60, megabytes=512, forked_by=zygote)
    yield pool
    pool.close()


def draws(pool: SandboxPool, folder: Path) -> psutil.Process:
    """The process that drew a file."""
    assert pool(real_path("CT_small.dcm"), folder, heartbeat=lambda: None).frames
    return psutil.Process(pool._idle.queue[-1].pid)  # noqa: SLF001


def is_away(pid: int) -> bool:
    """Whether the process has ended; a zombie has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_processes_are_forked_of_one_zygote(pool: SandboxPool, tmp_path: Path) -> None:
    """A second process has the same parent, and nothing of the first one's pipes and sockets."""
    first = draws(pool, tmp_path)
    used = pool._idle.get()  # noqa: SLF001
    second = draws(pool, tmp_path)
    assert first.pid != second.pid
    assert first.ppid() == second.ppid()
    ends = [set(_ends(process)) for process in (first, second)]
    assert [2, 2] == [len(each) for each in ends], "Each has the pipes of its requests and answers."
    assert ends[0].isdisjoint(ends[1])
    used.end()


def _ends(process: psutil.Process) -> Iterator[str]:
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        target = str(descriptor.readlink())
        if target.startswith(("pipe:", "socket:")) and int(descriptor.name) > 2:
            yield target


def test_the_zygote_has_no_credentials(zygote: ZygoteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the function's settings is in its environment."""
    monkeypatch.setenv("DCM2SET_PSEUDONYM_KEY", "secret")
    monkeypatch.setenv("DATABASE_URL", "secret")
    connection = zygote.fork()
    (pid,) = NUMBER.unpack(connection.life.recv(NUMBER.size))
    parent = psutil.Process(pid).parent()
    assert parent is not None
    variables = parent.environ()
    connection.close()
    assert "PATH" in variables
    assert "secret" not in variables.values()


def test_a_zygote_that_was_killed_is_replaced(pool: SandboxPool, tmp_path: Path) -> None:
    """Its processes end with it, and the next file is drawn by one of a new zygote."""
    process = draws(pool, tmp_path)
    zygote = process.parent()
    assert zygote is not None
    zygote.kill()
    assert wait_for(lambda: is_away(process.pid), seconds=10)
    assert draws(pool, tmp_path).ppid() != zygote.pid


def test_a_crash_of_the_zygote_is_a_crash_of_its_files(pool: SandboxPool, tmp_path: Path) -> None:
    """A file that is being drawn is tried again; the old process id, which is free now, gets no signal."""
    process = draws(pool, tmp_path)
    process.suspend()
    zygote = process.parent()
    assert zygote is not None
    threading.Timer(0.2, zygote.kill).start()
    with pytest.raises(SandboxCrashedError, match="together with its zygote"):
        draws(pool, tmp_path)


def test_a_zygote_that_can_not_start_is_no_fault_of_the_file(tmp_path: Path) -> None:
    """Its imports fail, for example because a package is broken."""
    zygote = ZygoteClient("tests.support.no_such_module")
    pool = SandboxPool(RULES, seconds=60, megabytes=512, forked_by=zygote)
    pool.start()
    with pytest.raises(DependencyAwayError, match="did not start"):
        draws(pool, tmp_path)
    pool.close()
    zygote.close()


def test_a_process_without_a_user_is_killed(zygote: ZygoteClient, tmp_path: Path) -> None:
    """Also one that hangs: the zygote kills it when the other side of its socket is closed."""
    pool = SandboxPool(RULES, seconds=60, megabytes=512, forked_by=zygote)
    process = draws(pool, tmp_path)
    process.suspend()
    pool._idle.get()._connection.close()  # noqa: SLF001
    assert wait_for(lambda: not psutil.pid_exists(process.pid), seconds=10)


def test_an_ended_process_keeps_its_id_until_it_is_closed(zygote: ZygoteClient) -> None:
    """So no other process can get the limits that are set by that id."""
    connection = zygote.fork()
    (pid,) = NUMBER.unpack(connection.life.recv(NUMBER.size))
    connection.requests.close()
    assert 0 == NUMBER.unpack(connection.life.recv(NUMBER.size))[0]
    assert b"" == connection.life.recv(NUMBER.size), "The exit code is sent once."
    assert psutil.STATUS_ZOMBIE == psutil.Process(pid).status()
    connection.close()
    assert wait_for(lambda: not psutil.pid_exists(pid), seconds=10)


def test_a_process_that_does_not_start_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zygote that hangs ends nothing for good: the file is tried again later."""
    monkeypatch.setattr("functions.extract.sandbox.process._START_SECONDS", 0.1)
    zygote = ZygoteClient()
    zygote.start()
    assert zygote._process is not None  # noqa: SLF001
    zygote._process.send_signal(signal.SIGSTOP)  # noqa: SLF001
    process = SandboxProcess(zygote, {}, seconds=0.1, bytes_of_outputs=1)
    with pytest.raises(DependencyAwayError, match="did not start"):
        process.wait_until_started(lambda: None)
    process.end()
    zygote.close()


@pytest.mark.parametrize("killed", ["starter", "child"])
def test_forked_workers_share_a_zygote(killed: str) -> None:
    """It ends with the process that started it, and not with another one; sandboxes end with their user."""
    with subprocess.Popen(
        [sys.executable, "-c", _WORKERS, killed], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        zygote, child, own, others = map(int, starter.stdout.readline().split())
        try:
            assert wait_for(lambda: is_away(others if killed == "child" else own), seconds=10)
            if killed == "child":
                assert not is_away(zygote)
                assert not is_away(own)
            else:
                assert wait_for(lambda: is_away(zygote), seconds=10)
        finally:
            for pid in (child, starter.pid):
                if psutil.pid_exists(pid):
                    os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: all(map(is_away, (zygote, own, others))), seconds=10)


def test_the_zygote_ends_when_nobody_can_ask() -> None:
    """Where the kernel does not end it with its parent, the end of the socket does."""
    ours, its = socket.socketpair()
    module = "functions.extract.sandbox.zygote"
    with (
        its,
        subprocess.Popen(
            [sys.executable, "-m", module, str(its.fileno())], cwd=ROOT, pass_fds=[its.fileno()]
        ) as process,
    ):
        its.close()
        ours.close()
        assert 0 == process.wait(timeout=60)
