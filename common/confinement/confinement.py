"""What a process gives up for good before it touches a hostile file, and what of this the kernel offers."""

import os
import resource
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from common.confinement.landlock import landlock_version, restrict_files
from common.confinement.seccomp import machine, offers_seccomp, restrict_system_calls
from common.confinement.system_call import process_control

_SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 4, 38  # prctl(2)
_OPEN_FILES = 64
_DEVICES = ("/dev/null", "/dev/urandom", "/dev/random", "/etc/localtime", "/etc/ld.so.cache", "/proc/cpuinfo")
_PROCESSORS = "/sys/devices/system/cpu"  # libraries count them when they are loaded
_IS_LINUX = sys.platform == "linux"


def missing_protections() -> list[str]:
    """A sentence for each protection that this machine does not offer."""
    if not _IS_LINUX:
        return ["Files are not drawn in a sandbox: only Linux has Landlock and seccomp."]
    missing = []
    if landlock_version() == 0:
        missing.append(
            "The kernel or the container offers no Landlock (kernel 5.13 or newer), so a decoder that was "
            "taken over could read every file of its user."
        )
    if machine() is None:
        missing.append(
            "No seccomp filter is known for this processor (x86_64 and aarch64 are), so a decoder that was "
            "taken over could open sockets and start programs."
        )
    elif not offers_seccomp():
        missing.append(
            "The kernel or the container offers no seccomp filter, so a decoder that was taken over could "
            "open sockets and start programs."
        )
    return missing


def present_protections() -> str:
    """The protections that this machine offers, in words."""
    parts = [f"Landlock {landlock_version()}"] if landlock_version() else []
    parts += ["seccomp"] if offers_seccomp() else []
    return ", ".join([*parts, "no new privileges, no core dump, limits"])


def confine(*, packages: Iterable[Path], readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Give up for good what a process that decodes files has no need of.

    It keeps the files of Python and of `packages`, those in `readable`, and may change the ones that exist
    in `writable`. Call it while the process has one thread. What the kernel does not offer is left out;
    OSError is raised if the kernel offers a protection but refuses to set it.
    """
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: _OPEN_FILES, resource.RLIMIT_NPROC: 0}
    for kind, most in limits.items():  # root is not bound by that of processes, but by the filter
        lowered = smaller_limit(kind, most)
        resource.setrlimit(kind, (lowered, lowered))
    if not _IS_LINUX:
        return
    program_files = {*_program_files(), *packages}
    process_control(_SET_DUMPABLE, 0)
    process_control(_SET_NO_NEW_PRIVILEGES, 1)
    if landlock_version():
        restrict_files([*program_files, *readable], writable)
    if offers_seccomp():
        restrict_system_calls()


def limit_memory(megabytes: int) -> None:
    """Limit the data segment to its present size plus `megabytes`; beyond it, MemoryError is raised.

    What this process has already imported does not count. Elsewhere than on Linux, nothing is limited.
    """
    if _IS_LINUX:
        used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        limit = smaller_limit(resource.RLIMIT_DATA, used + megabytes * 1024 * 1024)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def smaller_limit(kind: int, most: int) -> int:
    """A limit for this process or its children: `most`, or the machine's own limit if that is lower."""
    _, hard = resource.getrlimit(kind)
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def _program_files() -> Iterator[Path]:
    """Where Python, its packages and shared libraries lie: modules may be imported later, too."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    yield from (Path(path) for name, path in sysconfig.get_paths().items() if name in names)
    yield from (Path(path) for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = Path(line.partition("/")[1] + line.partition("/")[2])
        if ".so" in path.suffixes:
            yield path.parent
    yield from (Path(path) for path in (*_DEVICES, _PROCESSORS))
