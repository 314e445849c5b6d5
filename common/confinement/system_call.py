"""A system call by its number, for those that Python and the C library have no function for."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def system_call(number: int, *arguments: object) -> int:
    """The result of a system call; OSError with its error number if it fails (syscall(2))."""
    longs = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *longs))
    if result == -1:
        raise _last_error()
    return result


def process_control(option: int, value: int) -> int:
    """The result of prctl(2) with one value; OSError if it fails."""
    unused = ctypes.c_ulong(0)  # the kernel demands zeros
    result = int(_libc.prctl(option, ctypes.c_ulong(value), unused, unused, unused))
    if result == -1:
        raise _last_error()
    return result


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
