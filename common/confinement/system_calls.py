"""The system calls that a confined process keeps, by their numbers on each processor.

Numbers are those of the kernel's asm/unistd.h: x86_64 has a table of its own, aarch64 the common one.
None stands for a call that a processor does not have.
"""

from dataclasses import dataclass

_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    # files that are open, or that Landlock lets it open
    "access": (21, None),
    "close": (3, 57),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "fadvise64": (221, 223),
    "fstat": (5, 80),
    "ftruncate": (77, 46),
    "getcwd": (79, 17),
    "getdents64": (217, 61),
    "lseek": (8, 62),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "open": (2, None),
    "openat": (257, 56),
    "poll": (7, None),
    "ppoll": (271, 73),
    "pread64": (17, 67),
    "pselect6": (270, 72),
    "pwrite64": (18, 68),
    "read": (0, 63),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "readv": (19, 65),
    "select": (23, None),
    "stat": (4, None),
    "statx": (332, 291),
    "write": (1, 64),
    "writev": (20, 66),
    # memory
    "brk": (12, 214),
    "madvise": (28, 233),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    # time, itself, its end
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "futex": (202, 98),
    "getcpu": (309, 168),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "getrandom": (318, 278),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "getuid": (102, 174),
    "membarrier": (324, 283),
    "nanosleep": (35, 101),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "sigaltstack": (131, 132),
    "sysinfo": (99, 179),
    "time": (201, None),
    "uname": (63, 160),
    # only with some of their arguments
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "mmap": (9, 222),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "tgkill": (234, 131),
    # used to set the filter
    "seccomp": (317, 277),
}
_WITH_ARGUMENTS = {"fcntl", "ioctl", "mmap", "prctl", "prlimit64", "tgkill"}
_SETTING = {"seccomp"}


@dataclass(frozen=True)
class Machine:
    """A processor's system calls."""

    audit_number: int  # AUDIT_ARCH_… in linux/audit.h
    column: int  # in the table
    other_calls_from: int | None = None  # numbers of another kind of call: x32 on x86_64

    def number(self, name: str) -> int:
        """The number of a system call that the machine has."""
        number = _NUMBERS[name][self.column]
        assert number is not None, name  # noqa: S101 only calls that every machine has are asked for by name
        return number

    def plain(self) -> list[int]:
        """The numbers of the calls that are allowed with any arguments."""
        names = _NUMBERS.keys() - _WITH_ARGUMENTS - _SETTING
        return sorted(number for name in names if (number := _NUMBERS[name][self.column]) is not None)


MACHINES = {
    "x86_64": Machine(0xC000003E, 0, other_calls_from=0x40000000),
    "aarch64": Machine(0xC00000B7, 1),
}
