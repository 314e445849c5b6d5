"""Landlock: a process gives up the file system but for named paths (landlock(7), kernel 5.13 or newer).

Numbers and structures are those of the kernel's linux/landlock.h; they are the same on all processors.
Newer kernels can also refuse TCP, signals and abstract sockets: what a kernel has is asked for.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from common.confinement.system_call import system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_NOT_OFFERED = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}  # not built, off at boot, refused by a container

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_ALL_TCP = 3  # bind and connect
_ALL_SCOPES = 3  # abstract Unix sockets and signals
# The rights on files that each version of Landlock knows: the lowest so many bits.
_FILE_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP_SINCE, _SCOPES_SINCE = 4, 6
READ = _READ_FILE | _READ_DIR
WRITE = _READ_FILE | _WRITE_FILE | _TRUNCATE  # of files that exist: none can be made or removed


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def landlock_version() -> int:
    """The version of Landlock that the kernel offers; 0 if none."""
    try:
        return system_call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError as error:
        if error.errno in _NOT_OFFERED:
            return 0
        raise


def restrict_files(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Take all files from this thread for good, but for what is at or below the given paths.

    Nothing can be created, removed, renamed or executed anywhere. Paths that don't exist are left out.
    Files that are open already stay open. The process must have no new privileges (prctl(2)).
    """
    version = landlock_version()
    handled = (1 << _FILE_BITS[min(version, max(_FILE_BITS))]) - 1
    rules = _Ruleset(
        handled,
        _ALL_TCP if version >= _TCP_SINCE else 0,
        _ALL_SCOPES if version >= _SCOPES_SINCE else 0,
    )
    ruleset = system_call(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0)
    try:
        for path in readable:
            _allow(ruleset, path, READ & handled)
        for path in writable:
            _allow(ruleset, path, WRITE & handled)
        system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what can't be opened now can't be read later either
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= ~_READ_DIR
        rule = _PathBeneath(access, descriptor)
        system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
