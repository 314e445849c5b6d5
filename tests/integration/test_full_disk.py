"""A full disk ends none of the processes that keep the others running."""

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

_TALKS = "import time\nwhile True:\n    print('a line', flush=True)\n    time.sleep(0.05)\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisord with one talkative program."""
    home = Home(tmp_path)
    home.create()
    program = tmp_path / "talker.py"
    program.write_text(_TALKS)
    supervisor.write_config(home, [Program("talker", [sys.executable, str(program)], {}, priority=1)])
    daemon = supervisor.start(home)
    yield daemon
    daemon.terminate()
    daemon.wait(timeout=30)
    supervisor.end_leftovers(home)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of a running process")
def test_supervisord_lives_on_a_full_disk(daemon: subprocess.Popen[bytes]) -> None:
    """When it can't write its logs any more, it still starts a killed program again."""

    def talkers() -> list[psutil.Process]:
        return psutil.Process(daemon.pid).children() if daemon.poll() is None else []

    (first,) = wait_for(talkers, seconds=60) or [None]
    assert first is not None, "nothing was started"
    # From now on each of its writes to a file fails, as on a full disk.
    psutil.Process(daemon.pid).rlimit(psutil.RLIMIT_FSIZE, (0, 0))
    first.kill()
    assert wait_for(lambda: [each for each in talkers() if each.pid != first.pid], seconds=60)
    assert daemon.poll() is None
