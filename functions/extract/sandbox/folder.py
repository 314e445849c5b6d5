"""The only folder of a sandbox process: it may read its source there and write two outputs.

The function puts each file in and takes its outputs out. So the process needs no right to anything else,
and never sees another file's folder.
"""

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from common.process.work_folder import work_folder
from functions.extract.output_space import FILES

_FAULT_BYTES = 64 * 1024
# The innermost function of ours in what faulthandler writes, the most recent call first.
_FAULT = re.compile(
    rb"Fatal Python error: .*?/(?:imaging|deidentification|functions)/[^\n]{1,200} in (\w{1,60})\n", re.DOTALL
)


class UnexpectedFileError(Exception):
    """Where an output should lie is a link, a folder, or a file with a second name."""


class SandboxFolder:
    """The folder of one sandbox process."""

    def __init__(self, root: Path) -> None:
        # Paths are made once: making them again for each file would cost more than the calls with them.
        self.root = root
        self.source = root / "in" / "source.dcm"  # the file to prepare
        self.outputs = root / "out"  # with one empty file for each output
        self.errors = root / "errors"  # standard error of the process; libraries may quote the file there
        self._outputs = [(name, self.outputs / name) for name in FILES]

    @classmethod
    def create(cls) -> "SandboxFolder":
        """A new folder, which only its owner can read."""
        folder = cls(Path(tempfile.mkdtemp(prefix="sandbox-", dir=work_folder())))
        folder.source.parent.mkdir()
        folder.outputs.mkdir()
        for path in (folder.errors, *(path for _, path in folder._outputs)):
            path.touch()
        return folder

    @property
    def fault(self) -> str | None:
        """The function of ours that was running when a library crashed, if it is known."""
        with self.errors.open("rb") as file:
            file.seek(max(0, self.errors.stat().st_size - _FAULT_BYTES))
            found = _FAULT.search(file.read())
        return found[1].decode() if found else None

    def put(self, source: Path) -> None:
        """Let the process read a file, by a second name of it where the file system allows that."""
        try:
            os.link(source, self.source)
        except OSError:  # another file system, or another owner (proc(5), protected_hardlinks)
            shutil.copyfile(source, self.source)

    def take(self, target: Path) -> None:
        """Move the outputs that were written to another folder, and take the source away."""
        self.source.unlink()
        if self.errors.stat().st_size:
            os.truncate(self.errors, 0)
        for name, output in self._outputs:
            found = output.lstat()
            # Whoever took the process over must not make extract upload another file.
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                raise UnexpectedFileError
            if found.st_size:
                shutil.move(output, target / name)
                output.touch()

    def free_bytes(self) -> int:
        """What is free in the file system."""
        system = os.statvfs(self.root)
        return system.f_bavail * system.f_frsize

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.root, ignore_errors=True)
