"""Why a process of a home does not start, by its log and by writing to the disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.causes.disk_room import probe
from infra.local.causes.error_text import errno_in
from infra.local.causes.os_errors import os_error_text
from infra.local.home import Home


@dataclass(frozen=True)
class StartLogs:
    """The logs of a home, from the beginning of this start."""

    home: Home
    before: Mapping[str, int] = field(default_factory=dict)  # sizes at the beginning, by file name

    @classmethod
    def of(cls, home: Home) -> "StartLogs":
        """The logs as they are now."""
        return cls(home, {path.name: path.stat().st_size for path in home.logs.glob("*.log")})

    def path(self, name: str) -> Path:
        """The log of a process, or supervisord's own if there is none."""
        log = self.home.logs / f"{name}.log"
        return log if log.exists() else self.home.logs / "supervisord.out"

    def cause(self, name: str, folder: Path) -> str | None:
        """Why a process with this folder can't start, and what to do; None if no cause is known."""
        number = errno_in(self._text(name)) or errno_in(self._text("supervisord"))
        # With a full disk there is no log. And MinIO calls every folder that it can't write "access denied".
        error = _write_error(folder)
        if error is None and number:
            error = OSError(number, "", str(folder))
        if error is None:
            return None
        return f"{name} can't start: {os_error_text(error, self.home)}; its log is {self.path(name)}."

    def _text(self, name: str) -> str:
        path = self.path(name)
        try:
            size, before = path.stat().st_size, self.before.get(path.name, 0)
            with path.open("rb") as file:
                file.seek(before if before <= size else 0)  # smaller: the log was rotated
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""


def _write_error(folder: Path) -> OSError | None:
    """The error of writing a file into a folder; None if it succeeds."""
    try:
        probe(folder)
    except OSError as error:
        return error
    return None
