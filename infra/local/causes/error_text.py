"""Errors of the operating system in what other programs print."""

import re
from errno import EACCES, EADDRINUSE, EDQUOT, EFBIG, EIO, EMFILE, ENOMEM, ENOSPC, EROFS

# Texts of the C library, of Go, of Postgres, and of MinIO and supervisord.
_SIGNS = {
    ENOSPC: "no space left on device|drive path full|minimum free drive threshold|XMinioStorageFull",
    EDQUOT: "disk quota exceeded",
    EFBIG: "file too large|file size limit exceeded",
    EROFS: "read-only file system",
    EIO: "input/output error",
    EMFILE: "too many open files|minimum number of file descriptors|insufficient file descriptors",
    ENOMEM: "cannot allocate memory",
    EADDRINUSE: "address already in use",
    EACCES: "permission denied|file access denied",
}
_SIGN = re.compile("|".join(f"(?P<e{number}>{text})" for number, text in _SIGNS.items()), re.IGNORECASE)


def errno_in(text: str) -> int | None:
    """The number of the last error of the operating system that a text names."""
    found = [match.lastgroup for match in _SIGN.finditer(text)]
    return int(found[-1][1:]) if found and found[-1] else None


def line_of_error(text: str) -> str | None:
    """The last line of a text that names an error of the operating system."""
    return next((line.strip() for line in reversed(text.splitlines()) if errno_in(line)), None)
