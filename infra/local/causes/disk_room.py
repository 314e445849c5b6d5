"""Whether a home has room on its disk, and may open enough files, tried before anything is started."""

import resource
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from common.errors import SettingsError
from infra.local.home import Home

# A new home takes 48 MB (measured), and its database may write 512 MB of log before files come on top.
NEW_HOME_BYTES = 256 * 1024**2
_SEGMENT_BYTES = 16 * 1024**2  # Postgres writes its log of changes in files of this size
_PROBE_BYTES = 1024**2
OPEN_FILES = 1024  # supervisord needs this limit


def require_room(home: Home) -> None:
    """Raise SettingsError if the disk is too small for the home, and OSError if it can't be written.

    The disk of an existing home may be nearly full, so that its user can start it and make room.
    """
    if home.has_secrets():
        return probe(home.folder)
    free = shutil.disk_usage(home.folder).free
    if free < NEW_HOME_BYTES:
        raise SettingsError(
            f"The home can't start: the disk of {home.folder} has {_megabytes(free)} MB free, and a new home "
            f"needs {_megabytes(NEW_HOME_BYTES)} MB: free some space, or choose another folder with --home."
        )
    return probe(home.folder, _SEGMENT_BYTES)


def require_open_files() -> None:
    """Raise the limit of open files if it is too low, or SettingsError if it can't be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= OPEN_FILES:
        return
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        raise SettingsError(
            f"The home can't start: your user may open {hard} files at a time, and {OPEN_FILES} are needed: "
            "raise the limit (ulimit -n)."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))


def probe(folder: Path, size: int = _PROBE_BYTES) -> None:
    """Write a file into a folder and remove it; raises OSError.

    A quota, and a limit on file sizes, show only in this way.
    """
    path = folder / "probe.part"
    try:
        with path.open("wb", buffering=0) as file:
            _write_all(file.write, size)
    except OSError as error:
        error.filename = str(folder)
        raise
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _write_all(write: Callable[[bytes], int | None], size: int) -> None:
    left = size
    while left:
        left -= write(bytes(min(left, 1024**2))) or 0


def _megabytes(size: int) -> int:
    return size // 1024**2
