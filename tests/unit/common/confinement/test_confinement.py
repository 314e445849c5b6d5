"""What a machine lacks is said, and what it has is set."""

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from common.confinement import confinement, landlock, seccomp
from common.confinement.confinement import missing_protections, present_protections

CONFINED = """
import sys
from pathlib import Path
from common.confinement.confinement import confine
confine(packages=[], readable=[Path(sys.argv[1])], writable=[Path(sys.argv[2]), Path("/nowhere")])
import colorsys  # a module of the standard library that is imported later
print(Path(sys.argv[1], "a").read_text(), Path(sys.argv[2], "b").write_text("new"))
try:
    Path(sys.argv[1], "a").write_text("changed")
except OSError as error:
    print(error.errno)
"""


def refuse(number: int) -> None:
    """A kernel that refuses every system call with one error."""

    def system_call(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return system_call


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
def test_what_the_kernel_lacks_is_named(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not built in, switched off at boot, or refused by a container: a sentence for each protection."""
    monkeypatch.setattr(landlock, "system_call", refuse(number))
    (without_landlock,) = missing_protections()
    assert "Landlock" in without_landlock
    assert "seccomp" in present_protections()
    monkeypatch.setattr(seccomp, "system_call", refuse(number))
    assert "seccomp" in missing_protections()[1]
    assert "no new privileges, no core dump, limits" == present_protections()


def test_an_unknown_processor_and_another_system_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No filter is known for them."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    (sentence,) = missing_protections()
    assert "processor" in sentence
    monkeypatch.setattr(confinement, "_IS_LINUX", False)
    (sentence,) = missing_protections()
    assert "only Linux" in sentence


def test_named_folders_stay(tmp_path: Path) -> None:
    """Files in them are read or changed as said, and modules are still imported."""
    readable, writable = tmp_path / "in", tmp_path / "out"
    for folder, name in ((readable, "a"), (writable, "b")):
        folder.mkdir()
        (folder / name).write_text("old")
    command = [sys.executable, "-c", CONFINED, str(readable), str(writable)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ("old 3\n13\n", "") == (done.stdout, done.stderr)
    assert ("old", "new") == ((readable / "a").read_text(), (writable / "b").read_text())
