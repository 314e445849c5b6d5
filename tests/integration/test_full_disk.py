"""A full disk does not end supervisord, which keeps all other processes running."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local import supervisor
from infra.local.home import Home
from infra.local.supervisor import Program
from tests.support.local_home import wait_for

_WRITES = "import time\nwhile True:\n    print('a line', flush=True)\n    time.sleep(0.05)\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisord with one program that writes all the time."""
    home = Home(tmp_path)
    home.create()
    program = tmp_path / "writer.py"
    program.write_text(_WRITES)
    supervisor.write_config(home, [Program("writer", [sys.executable, str(program)], {}, priority=1)])
    daemon = supervisor.start(home)
    yield daemon
    daemon.terminate()
    daemon.wait(timeout=30)
    supervisor.end_leftovers(home)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of a running process")
def test_supervisord_lives_on_a_full_disk(daemon: subprocess.Popen[bytes]) -> None:
    """When it can't write its logs any more, it still restarts a killed program."""

    def writers() -> list[psutil.Process]:
        return psutil.Process(daemon.pid).children() if daemon.poll() is None else []

    (first,) = wait_for(writers, seconds=60) or [None]
    assert first is not None, "nothing was started"
    # From now on every write of supervisord to a file fails, as on a full disk.
    psutil.Process(daemon.pid).rlimit(psutil.RLIMIT_FSIZE, (0, 0))
    first.kill()
    assert wait_for(lambda: [each for each in writers() if each.pid != first.pid], seconds=60)
    assert daemon.poll() is None
