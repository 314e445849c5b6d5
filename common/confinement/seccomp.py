"""A seccomp filter: the kernel refuses a process every system call that it has no need of (seccomp(2)).

The filter is a list of what is allowed, so calls that future kernels add are refused as well. It is a
small program of the kernel's classic BPF, written here: a library for it would need libseccomp installed.
"""

import ctypes
import errno
import os
import platform
from collections.abc import Sequence
from contextlib import suppress

from common.confinement.system_call import system_call
from common.confinement.system_calls import MACHINES, Machine

_SET_MODE_FILTER, _GET_ACTION_AVAILABLE = 1, 2
_ALL_THREADS, _KEEP_SPECULATION = 1, 4  # without the second, kernels before 5.16 slow the whole process down
_ALLOW, _KILL_PROCESS, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

# Instructions of classic BPF (linux/bpf_common.h), and offsets in struct seccomp_data.
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16

# A call this new answers as in an older kernel, and the C library falls back to an older call (clone3).
# From here on the numbers are the same on all processors.
_NEW_CALLS = 424

_FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)  # duplicate, flags; not whom to send signals
_IOCTL_COMMANDS = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  # a terminal?, how much to read, close on exec
_PRCTL_COMMANDS = (15, 16)  # the name of a thread
_SHARED_ANONYMOUS = 0x21  # memory that RLIMIT_DATA does not count


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


Code = list[tuple[int, int, int, int]]


def machine() -> Machine | None:
    """The system calls of this processor; None if no filter is known for it."""
    return MACHINES.get(platform.machine())


def offers_seccomp() -> bool:
    """Whether a filter can be set here."""
    known = machine()
    if known is None:
        return False
    with suppress(OSError):
        action = ctypes.c_uint32(_KILL_PROCESS)
        return system_call(known.number("seccomp"), _GET_ACTION_AVAILABLE, 0, ctypes.byref(action)) == 0
    return False


def restrict_system_calls() -> None:
    """Refuse this process all but the listed system calls, for good.

    Reading and writing open files, memory and time stay. Sockets, signals to others, new processes, threads
    and programs, other limits, mounts and tracing are refused with EPERM. The process must have no new
    privileges (prctl(2)).
    """
    known = machine()
    if known is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    code = filter_code(known, os.getpid())
    instructions = (_Instruction * len(code))(*(_Instruction(*each) for each in code))
    program = _Program(len(code), instructions)
    flags = _ALL_THREADS | _KEEP_SPECULATION
    if system_call(known.number("seccomp"), _SET_MODE_FILTER, flags, ctypes.byref(program)) != 0:
        raise OSError(errno.EBUSY, "A thread has another filter.")


def filter_code(known: Machine, pid: int) -> Code:
    """The filter's instructions: code, jump if true, jump if false, value."""
    code: Code = [
        (_LOAD, 0, 0, _MACHINE),
        (_IF_EQUAL, 1, 0, known.audit_number),
        (_RETURN, 0, 0, _KILL_PROCESS),  # 32-bit calls have other numbers
        (_LOAD, 0, 0, _NUMBER),
    ]
    if known.other_calls_from is not None:
        code += [(_IF_AT_LEAST, 0, 1, known.other_calls_from), (_RETURN, 0, 0, _KILL_PROCESS)]
    for number in known.plain():
        code += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    code += _only_if(known.number("fcntl"), 1, _FCNTL_COMMANDS)
    code += _only_if(known.number("ioctl"), 1, _IOCTL_COMMANDS)
    code += _only_if(known.number("prctl"), 0, _PRCTL_COMMANDS)
    code += _only_if(known.number("tgkill"), 0, (pid,))  # abort(3) ends a process so
    code += _block(known.number("prlimit64"), _if_zero(2))  # reads limits
    code += _block(known.number("mmap"), _unless_set(3, _SHARED_ANONYMOUS))
    code += [
        (_IF_AT_LEAST, 0, 1, _NEW_CALLS),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
    ]
    return code


def _only_if(number: int, argument: int, values: Sequence[int]) -> Code:
    """Allow a call if the low half of an argument has one of the values; the kernel reads only that half."""
    body: Code = [_load(argument)]
    for value in values:
        body += [(_IF_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return _block(number, body)


def _if_zero(argument: int) -> Code:
    low, high = _load(argument), _load(argument, high=True)
    return [low, (_IF_EQUAL, 0, 3, 0), high, (_IF_EQUAL, 0, 1, 0), (_RETURN, 0, 0, _ALLOW)]


def _unless_set(argument: int, bits: int) -> Code:
    return [_load(argument), (_AND, 0, 0, bits), (_IF_EQUAL, 1, 0, bits), (_RETURN, 0, 0, _ALLOW)]


def _block(number: int, body: Code) -> Code:
    """The body for one call; it refuses what the body does not allow."""
    refuse = (_RETURN, 0, 0, _ERROR | errno.EPERM)
    return [(_IF_EQUAL, 0, len(body) + 1, number), *body, refuse]


def _load(argument: int, *, high: bool = False) -> tuple[int, int, int, int]:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument + (4 if high else 0))
