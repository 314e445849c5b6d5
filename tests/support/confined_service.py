"""Gives up, from within, what the unit of the service takes away, and becomes the command.

``python -m tests.support.confined_service RESTRICTIONS COMMAND …``: a JSON file with the unit's directives
and the names of the system calls that they allow. The filters are those that systemd.exec(5) describes.
"""

import ctypes
import errno
import json
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_EQUAL, _MASKED_EQUAL = 4, 7  # enum scmp_compare of libseccomp
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
_MOST_FAMILIES = 50
_NAMESPACES = (
    0x00020000,
    0x02000000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)  # CLONE_NEW…
_WRITE_AND_EXECUTE, _EXECUTE, _SHARED_EXECUTE = 6, 4, 0o100000
_SET_ID_MODES = (0o4000, 0o2000)


class _Comparison(ctypes.Structure):
    """Of one argument of a system call: struct scmp_arg_cmp."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class Filter:
    """A filter of system calls, made by libseccomp."""

    def __init__(self, default: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, name: str, *comparisons: _Comparison) -> None:
        """Add a rule for a system call; one that this processor does not have is left out."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        array = (_Comparison * len(comparisons))(*comparisons)
        result = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(comparisons), array
        )
        if result != 0:
            raise OSError(-result, f"{name}: {os.strerror(-result)}")

    def load(self) -> None:
        """Set the filter for this process and all that it starts."""
        result = self._library.seccomp_load(self._context)
        if result != 0:
            raise OSError(-result, os.strerror(-result))


def _is(argument: int, value: int) -> _Comparison:
    return _Comparison(argument, _EQUAL, value, 0)


def _has(argument: int, bits: int) -> _Comparison:
    return _Comparison(argument, _MASKED_EQUAL, bits, bits)


def confine(unit: Mapping[str, Sequence[str]], calls: Sequence[str]) -> None:
    """Set the filters of the unit; each directive is a filter of its own, as in systemd."""
    listed = Filter(_REFUSE | errno.EPERM)
    for name in calls:
        listed.add(_ALLOW, name)
    others = Filter(_ALLOW)
    refuse = _REFUSE | errno.EPERM
    allowed = {_FAMILIES[name] for name in unit["RestrictAddressFamilies"][0].split()}
    for family in set(range(_MOST_FAMILIES)) - allowed:
        others.add(_REFUSE | errno.EAFNOSUPPORT, "socket", _is(0, family))
    if unit["RestrictNamespaces"] == ["yes"]:
        for bit in _NAMESPACES:
            others.add(refuse, "unshare", _has(0, bit))
            others.add(refuse, "clone", _has(0, bit))
        others.add(refuse, "setns")
        others.add(_REFUSE | errno.ENOSYS, "clone3")
    if unit["MemoryDenyWriteExecute"] == ["yes"]:
        others.add(refuse, "mmap", _has(2, _WRITE_AND_EXECUTE))
        others.add(refuse, "mprotect", _has(2, _EXECUTE))
        others.add(refuse, "pkey_mprotect", _has(2, _EXECUTE))
        others.add(refuse, "shmat", _has(2, _SHARED_EXECUTE))
    if unit["RestrictSUIDSGID"] == ["yes"]:
        for bit in _SET_ID_MODES:
            others.add(refuse, "chmod", _has(1, bit))
            others.add(refuse, "fchmod", _has(1, bit))
            others.add(refuse, "fchmodat", _has(2, bit))
    if unit["LockPersonality"] == ["yes"]:
        others.add(refuse, "personality", _Comparison(0, 1, 0, 0))
    if unit["RestrictRealtime"] == ["yes"]:
        others.add(refuse, "sched_setscheduler")
    others.load()
    listed.load()


def _limits(unit: Mapping[str, Sequence[str]]) -> None:
    os.umask(int(unit["UMask"][0], 8))
    for name, kind in (("LimitNOFILE", resource.RLIMIT_NOFILE), ("LimitCORE", resource.RLIMIT_CORE)):
        _, most = resource.getrlimit(kind)
        value = int(unit[name][0]) if most == resource.RLIM_INFINITY else min(int(unit[name][0]), most)
        resource.setrlimit(kind, (value, value))


def main() -> None:
    """Confine this process, and replace it by the command."""
    found: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    calls = found.pop("calls")
    _limits(found)
    confine(found, calls)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 the command replaces this process


if __name__ == "__main__":
    main()
