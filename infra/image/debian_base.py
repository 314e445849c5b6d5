"""A base image from Debian's packages, for machines that reach no registry: what python:3.11-slim lends."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from common.errors import SettingsError

SUITE = "bookworm"  # Debian 12, whose Python is 3.11
PACKAGES = (
    "python3", "python3-minimal", "python3.11-minimal", "libpython3.11-stdlib", "python3-distutils",
    "python3-pip", "libpython3.11-dev", "dash", "libstdc++6", "ca-certificates", "tzdata",
)  # fmt: skip
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


TIME = "1767225600"
"""Of every file of an image, in seconds: 2026-01-01. Layers that commits share are equal then."""


def required_program(name: str, package: str) -> str:
    """The path of a program; SettingsError with the package to install if it is missing."""
    found = shutil.which(name)
    if found is None:
        raise SettingsError(f"{name} is not installed (Debian: apt install {package}).")
    return found


def debian_base() -> str:
    """Make the base image, and return its name: it ends with the digest of its files.

    Packages are unpacked, and none of their scripts is run. Debian moves on: the digest tells when. The files
    have a fixed time, so that commits have the same base, and with it the layer of the compiled OpenCV.
    """
    program = required_program("mmdebstrap", "mmdebstrap")
    with tempfile.TemporaryDirectory(prefix="dcm2set-base-") as folder:
        root = Path(folder, "root.tar")
        command = [program, "--quiet", "--variant=extract", f"--include={','.join(PACKAGES)}"]
        command += [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
        run([*command, SUITE, str(root)], environment={"SOURCE_DATE_EPOCH": TIME})
        digest = hashlib.sha256(root.read_bytes()).hexdigest()
        Path(folder, "Dockerfile").write_text("FROM scratch\nADD root.tar /\n", encoding="ascii")
        name = f"localhost/dcm2set-base:{digest[:16]}"
        build = [required_program("buildah", "buildah"), "bud", "--quiet", "--isolation", "chroot"]
        run([*build, "--timestamp", TIME, "--tag", name, folder])
    return name


def run(command: list[str], *, environment: dict[str, str] | None = None) -> str:
    """Run a program and return what it prints; SettingsError with its last line if it fails."""
    done = subprocess.run(
        command, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise SettingsError(f"{Path(command[0]).name} failed: {lines[-1]}")
    return done.stdout.strip()
