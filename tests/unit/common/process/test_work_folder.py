"""Work folders: private, locked, and removed after their process, also if it was killed."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.process.work_folder import remove_left, work_folder

# It says that its file is there, and waits until its input ends.
_PROGRAM = """
from common.process.work_folder import work_folder
(work_folder() / "source.dcm").write_text("an original")
print(work_folder(), flush=True)
input()
"""


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@contextmanager
def _another_process() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a file in its work folder."""
    command = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_process_has_one_private_folder(tmp_path: Path) -> None:
    """It is the same one each time, and only its owner can read it."""
    folder = work_folder()
    assert (folder, tmp_path) == (work_folder(), folder.parent)
    assert 0o700 == folder.stat().st_mode & 0o777


def test_the_folder_of_a_killed_process_is_removed() -> None:
    """The next process that works on a file removes it with the original in it; not while it runs."""
    with _another_process() as (process, folder):
        own = work_folder()
        assert ["source.dcm"] == _names(folder)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert ["source.dcm"] == _names(folder)
        assert own == work_folder()
        assert not folder.exists()


def test_a_process_removes_its_folder_at_its_end() -> None:
    """Nothing is left for others to remove."""
    with _another_process() as (process, folder):
        process.communicate("\n")
        assert 0 == process.returncode
        assert not folder.exists()


def test_a_forked_process_has_its_own_folder() -> None:
    """The parent's is neither shared nor removed by it, and the child's is removed after its end."""
    (work_folder() / "source.dcm").touch()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            (work_folder() / "of the child").touch()
            code = 0
        finally:
            os._exit(code)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert ["source.dcm"] == _names(work_folder())
    assert [work_folder().name] == _names(work_folder().parent)


def test_a_folder_that_somebody_removed_is_made_again() -> None:
    """A file that comes later is worked on."""
    folder = work_folder()
    folder.rmdir()
    again = work_folder()
    assert again.is_dir()
    assert folder != again


def test_a_folder_that_is_removed_before_it_is_locked_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may take it for one that was left; then a new one is made."""
    calls = []

    def late(descriptor: int, operation: int) -> None:
        calls.append(operation)
        if len(calls) == 1:
            (folder,) = Path(tempfile.gettempdir()).iterdir()
            folder.rmdir()
        flock(descriptor, operation)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", late)
    assert work_folder().is_dir()
    assert 2 == len(calls)


def test_what_is_not_a_work_folder_stays(tmp_path: Path) -> None:
    """Files, other folders, and links to them."""
    (tmp_path / "another" / "folder").mkdir(parents=True)
    (tmp_path / "dcm2set-work-file").touch()
    (tmp_path / "dcm2set-work-link").symlink_to(tmp_path / "another")
    work_folder()
    others = ["another", "dcm2set-work-file", "dcm2set-work-link"]
    assert sorted([*others, work_folder().name]) == sorted(_names(tmp_path))
    assert (tmp_path / "another" / "folder").is_dir()


def test_the_folder_of_another_user_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only folders of the own user are removed, also by one who may remove all."""
    folder = tmp_path / "dcm2set-work-other"
    folder.mkdir()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    work_folder()
    assert folder.is_dir()
    monkeypatch.setattr(os, "geteuid", lambda: user)
    work_folder()
    assert not folder.exists()


def test_without_a_temporary_folder_there_is_nothing_to_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only who needs a folder gets the error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "away"))
    remove_left()
    with pytest.raises(FileNotFoundError):
        work_folder()
