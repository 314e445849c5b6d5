"""The seccomp filter, run by an interpreter of classic BPF, for every processor that it is known for."""

import errno
import os

import pytest

from common.confinement.seccomp import Code, filter_code
from common.confinement.system_calls import MACHINES

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
PID = 4711
# Numbers of asm/unistd.h that the filter must refuse: x86_64, aarch64.
HOSTILE = {
    "socket": (41, 198),
    "connect": (42, 203),
    "socketpair": (53, 199),
    "clone": (56, 220),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "setrlimit": (160, 164),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "linkat": (265, 37),
    "symlinkat": (266, 36),
    "mknodat": (259, 33),
    "fchmodat": (268, 53),
    "fchownat": (260, 54),
    "utimensat": (280, 88),
    "truncate": (76, 45),
    "setxattr": (188, 5),
    "mount": (165, 40),
    "unshare": (272, 97),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "seccomp": (317, 277),
}
NEW = {"pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_open": 434, "clone3": 435, "landlock": 444}


def run(code: Code, number: int, *arguments: int, machine: int) -> int:
    """What the filter answers to a system call (linux/bpf_common.h)."""
    data = {0: number, 4: machine}
    for index, value in enumerate(arguments):
        data |= {16 + 8 * index: value & 0xFFFFFFFF, 20 + 8 * index: value >> 32}
    accumulator = position = 0
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == 0x20:
            accumulator = data[value]
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x15:
            position += if_true if accumulator == value else if_false
        elif operation == 0x35:
            position += if_true if accumulator >= value else if_false
        else:
            return value


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    """Each processor in turn."""
    return request.param


def answer(machine: str, number: int, *arguments: int) -> int:
    """What the filter of a processor answers."""
    known = MACHINES[machine]
    return run(filter_code(known, PID), number, *arguments, machine=known.audit_number)


def test_listed_calls_are_allowed(machine: str) -> None:
    """Each of them, whatever its arguments."""
    known = MACHINES[machine]
    assert {ALLOW} == {answer(machine, number) for number in known.plain()}


def test_all_other_calls_are_refused(machine: str) -> None:
    """Those that take a process over would use, and those that only future kernels know."""
    column = MACHINES[machine].column
    answers = {name: answer(machine, numbers[column]) for name, numbers in HOSTILE.items()}
    assert dict.fromkeys(HOSTILE, REFUSE) == answers
    assert dict.fromkeys(NEW, UNKNOWN) == {name: answer(machine, number) for name, number in NEW.items()}
    assert UNKNOWN == answer(machine, 2000)


def test_some_calls_depend_on_their_arguments(machine: str) -> None:
    """Limits are read, not set; memory is private; descriptors are copied; only the process itself aborts."""
    known = MACHINES[machine]

    def asked(name: str, *arguments: int) -> int:
        return answer(machine, known.number(name), *arguments)

    assert (ALLOW, REFUSE, REFUSE) == tuple(asked("prlimit64", 0, 7, new) for new in (0, 4096, 1 << 40))
    assert (ALLOW, ALLOW, REFUSE) == tuple(asked("mmap", 0, 1, 3, flags) for flags in (0x22, 0x2, 0x21))
    assert (ALLOW, ALLOW, REFUSE, REFUSE) == tuple(asked("fcntl", 3, command) for command in (3, 1030, 8, 10))
    assert (ALLOW, REFUSE) == tuple(asked("ioctl", 1, command) for command in (0x5401, 0x5412))
    assert (ALLOW, REFUSE) == tuple(asked("tgkill", pid, pid, 6) for pid in (PID, PID - 1))
    assert (ALLOW, REFUSE, REFUSE) == tuple(asked("prctl", option, 1) for option in (15, 4, 22))


def test_calls_of_another_table_end_the_process(machine: str) -> None:
    """32-bit calls have other numbers, and x32 calls a bit of their own."""
    known = MACHINES[machine]
    code = filter_code(known, os.getpid())
    assert KILL == run(code, 0, machine=known.audit_number ^ 0x80000000)
    assert {"x86_64": KILL, "aarch64": UNKNOWN}[machine] == answer(machine, 0x40000000)
