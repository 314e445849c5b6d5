"""Errors of the operating system as sentences: which folder, why, and what to do."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import (
    EACCES,
    EADDRINUSE,
    EAGAIN,
    EBUSY,
    EDQUOT,
    EEXIST,
    EFBIG,
    EIO,
    EISDIR,
    ELOOP,
    EMFILE,
    ENAMETOOLONG,
    ENFILE,
    ENOENT,
    ENOEXEC,
    ENOLCK,
    ENOMEM,
    ENOSPC,
    ENOTDIR,
    EPERM,
    EROFS,
)  # fmt: skip
from pathlib import Path

from common.errors import SettingsError
from infra.local.home import Home
from infra.local.stores.go_program import cache_folder

_ELSEWHERE = "choose another folder"
# What is wrong with {path}, and what to do; None if the path does not matter.
_CAUSES: dict[int, tuple[str, str | None]] = {
    ENOSPC: ("no space is left on the disk of {path}", "free some"),
    EDQUOT: ("the disk quota of your user is used up at {path}", "free some space"),
    EFBIG: ("a file in {path} would be larger than files may be", "raise the limit (ulimit -f)"),
    EROFS: ("{path} is on a read-only file system", ""),
    EACCES: ("your user has no right to use {path}", "give it the right"),
    EPERM: ("the system does not permit this at {path}", "change its rights"),
    ENOTDIR: ("{path} can't be used, because a part of it is a file and no folder", ""),
    EEXIST: ("{path} can't be made a folder, because a file of this name is there", ""),
    EISDIR: ("{path} can't be written, because a folder of this name is there", ""),
    ENOENT: ("{path} is not there", ""),
    ENAMETOOLONG: ("the path {path} is too long", ""),
    ELOOP: ("{path} leads through a loop of links", ""),
    EIO: ("the disk of {path} fails (input/output error)", ""),
    EBUSY: ("{path} is in use", ""),
    ENOLCK: ("the file system of {path} can't lock files", ""),
    ENOEXEC: ("a program is not one of this kind of machine", None),
    EMFILE: ("too many files are open; raise the limit (ulimit -n) to 1024 or more", None),
    ENFILE: ("too many files are open on this machine", None),
    EADDRINUSE: ("another program took a TCP port meanwhile; start again", None),
    ENOMEM: ("too little memory is free", None),
    EAGAIN: ("no further process can be started; raise the limit (ulimit -u)", None),
}


@contextmanager
def start_errors(home: Home) -> Iterator[None]:
    """Turn an OSError into a SettingsError with its cause, and what to do."""
    try:
        yield
    except OSError as error:
        raise SettingsError(f"The home can't go on: {os_error_text(error, home)}.") from None


def os_error_text(error: OSError, home: Home | None = None) -> str:
    """A cause and what to do, without an end of the sentence."""
    name = error.filename2 or error.filename
    path = Path(os.fsdecode(name)) if isinstance(name, str | bytes) else None
    cause, remedy = _CAUSES.get(error.errno or 0, ("", None))
    if not cause:
        reason = error.strerror or type(error).__name__
        return f"{_shown(path)}: {reason}" if path else reason
    text = cause.format(path=_shown(path) if path else "a file")
    option = _option(path, home)
    remedies = [remedy or "", f"{_ELSEWHERE} with {option}" if option else ""]
    found = ", or ".join(part for part in remedies if part) if remedy is not None else ""
    return f"{text}: {found}" if found else text


def _option(path: Path | None, home: Home | None) -> str:
    """How to choose another folder for this path."""
    if path is None:
        return "--home, XDG_CACHE_HOME or TMPDIR" if home else ""
    if home is not None and _is_of(path, home.folder):
        return "--home"
    for folder, option in ((cache_folder(), "XDG_CACHE_HOME"), (Path(tempfile.gettempdir()), "TMPDIR")):
        if _is_of(path, folder):
            return option
    return ""


def _is_of(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) or folder.is_relative_to(path)


def _shown(path: Path, most: int = 200) -> str:
    text = str(path)
    return text if len(text) <= most else f"{text[:most]}…"
