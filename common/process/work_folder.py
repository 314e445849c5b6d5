"""A folder for the temporary files of this process, which may contain originals of patients.

A process that is killed can't remove its files. So each process locks its folder (flock(2)); the kernel
releases the lock when the process ends, however it ends. Whoever asks for its own folder first removes all
those that nobody has locked. systemd-tmpfiles(8) also leaves a locked folder alone.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

_PREFIX = "dcm2set-work-"
_lock = threading.Lock()
_folders: dict[tuple[int, str], Path] = {}  # of this process, and of those that it was forked from


def work_folder() -> Path:
    """The folder of this process in the temporary folder (`TMPDIR`), which only its owner can read.

    Call it for each file that is worked on: it removes what killed processes have left. Raises OSError if
    the folder can't be made.
    """
    parent = tempfile.gettempdir()
    key = os.getpid(), parent
    with _lock:
        remove_left()
        folder = _folders.get(key)
        if folder is None or not folder.is_dir():
            folder = _folders[key] = _locked_folder(parent)
    return folder


def remove_left() -> None:
    """Remove the folders of processes that have ended; never raises for what it can't remove."""
    folders = []
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        folders = [entry.path for entry in entries if entry.name.startswith(_PREFIX)]
    for folder in folders:
        with suppress(OSError):  # removed by now, another user's, or no folder
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _locked_folder(parent: str) -> Path:
    """A new folder, locked until this process ends."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        with suppress(FileNotFoundError):  # another process removed it before it was locked
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.is_dir():
                atexit.register(_remove_own, folder, os.getpid())
                return folder
            os.close(descriptor)


def _remove_own(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # a forked process inherits what is registered
        shutil.rmtree(folder, ignore_errors=True)
