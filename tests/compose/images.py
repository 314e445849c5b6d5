"""What a service of a compose file is started from: a built image, or this machine's programs instead."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from infra.image.archive import ImageArchive
from infra.local.postgres_server import binary
from infra.local.stores.minio_server import MINIO
from tests.support.repository import ROOT

_TOOLS = "/image/bin"  # what an image has on its path, or the test needs in there
_PYTHON = Path(os.path.realpath(sys.prefix)) / "bin" / "python"
_ENTRYPOINTS = Path(__file__).with_name("entrypoints")
_ENTRYPOINT = {
    "postgres": ["postgres-entrypoint"],
    "prometheus": ["prometheus"],
    "haproxy": ["haproxy-entrypoint"],
    "dcm2set": ["python", "-m", "infra.image.serve"],
}


class Image(Protocol):
    """What the services of an image have in common."""

    environment: dict[str, str]
    entrypoint: list[str]
    health: list[str]  # the command of its health check; empty if it has none
    setpriv: list[str]  # how setpriv(1) is started in there

    def root(self) -> Iterator[str]:
        """The arguments of bwrap that make its root, above a tmpfs."""


class MachineImage:
    """Programs of this machine, its Python, and the code."""

    def __init__(self, name: str) -> None:
        postgres = Path(binary("postgres")).parent
        path = f"{_TOOLS}:{_PYTHON.parent}:{postgres}:/usr/local/bin:/usr/bin:/bin:/usr/sbin"
        self.environment = {"PATH": path, "HOME": "/tmp", "TMPDIR": "/tmp", "PYTHONUNBUFFERED": "1"}
        self.entrypoint = _ENTRYPOINT.get(name, [])
        self.health = ["python", "-m", "infra.image.health"] if name == "dcm2set" else []
        self.setpriv = ["setpriv"]

    def root(self) -> Iterator[str]:
        for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ssl"):
            if Path(path).exists():
                yield from mounted("--ro-bind", path, path)
        for path in {sys.base_prefix, os.path.realpath(sys.prefix)}:
            yield from mounted("--ro-bind", path, path)
        for room in sorted(ROOT.iterdir()):
            if (room / "__init__.py").exists():
                yield from mounted("--ro-bind", room, f"{_code_folder()}/{room.name}")
        for name, path in _tools().items():
            yield from mounted("--ro-bind", path, f"{_TOOLS}/{name}")


@dataclass
class BuiltImage:
    """The files of an image that `make image` has built, and what its configuration says."""

    archive: ImageArchive
    folder: Path  # where its files are

    def __post_init__(self) -> None:
        config = self.archive.config
        self.environment = dict(line.split("=", 1) for line in config["Env"])
        self.entrypoint = list(config["Entrypoint"])
        test = config.get("Healthcheck", {}).get("Test", ["NONE"])
        self.health = test[1:]
        # It has no shell and no such program: the test's own, with this machine's libraries.
        self.setpriv = [f"{_TOOLS}/loader", "--library-path", f"{_TOOLS}/lib", f"{_TOOLS}/setpriv"]

    def root(self) -> Iterator[str]:
        for path in sorted(self.folder.iterdir()):
            if path.is_symlink():
                yield from ("--symlink", str(path.readlink()), f"/{path.name}")
            elif path.name == "etc":  # the runtime adds files there
                for part in sorted(path.iterdir()):
                    yield from mounted("--ro-bind", part, f"/etc/{part.name}")
            elif path.name not in {"dev", "proc", "run", "tmp"}:
                yield from mounted("--ro-bind", path, f"/{path.name}")
        setpriv = str(shutil.which("setpriv"))
        for name, path in _loaded_by(setpriv).items():
            yield from mounted("--ro-bind", path, f"{_TOOLS}/{name}")
        yield from mounted("--ro-bind", setpriv, f"{_TOOLS}/setpriv")


def images_of(chosen: str | None, folder: Path) -> dict[str, Image]:
    """The images by the names that compose.yaml has: those beside the archive `chosen`, or this machine."""
    names = ("dcm2set", "dcm2set-operator", "dcm2set-minio")
    images: dict[str, Image] = {
        name: MachineImage("dcm2set" if "minio" not in name else name) for name in names
    }
    images |= {name: MachineImage(name) for name in ("postgres", "haproxy", "prometheus")}
    for name in names if chosen else ():
        archive = ImageArchive(Path(str(chosen)).with_name(f"{name}.tar"))
        assert archive.path.exists(), f"{archive.path} is missing: make image"
        archive.unpack(folder / name)
        images[name] = BuiltImage(archive, folder / name)
    return images


def mounted(how: str, source: str | Path, target: str) -> Iterator[str]:
    """The arguments of bwrap for a mount, and for the folders above it."""
    yield from parents(target)
    yield from (how, str(source), target)


def parents(target: str) -> Iterator[str]:
    """The folders above a mount, which everybody may pass, as in a container."""
    for parent in reversed(Path(target).parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(parent))


@cache
def _code_folder() -> str:
    """Where the installed Python looks for this project: the sandbox of extract has no other search path."""
    find = "import infra, pathlib; print(pathlib.Path(infra.__file__).parents[1])"
    command = [str(_PYTHON), "-P", "-c", find]
    return subprocess.run(command, env={}, cwd="/", check=True, capture_output=True, text=True).stdout.strip()


@cache
def _loaded_by(program: str) -> dict[str, Path]:
    """The dynamic loader and the libraries of a program of this machine."""
    listed = subprocess.run(
        [str(shutil.which("ldd")), program], check=True, capture_output=True, text=True
    ).stdout
    files = [Path(word) for word in listed.split() if word.startswith("/")]
    return {"loader" if path.name.startswith("ld-") else f"lib/{path.name}": path for path in files}


@cache
def _tools() -> dict[str, Path]:
    """The programs of the images that are no Python, by the names under which the file calls them."""
    found = {"minio": MINIO.found(), "prometheus": shutil.which("prometheus")}
    missing = [name for name, path in found.items() if path is None]
    assert not missing, f"missing here: {missing}"
    tools = {name: Path(str(path)) for name, path in found.items()}
    return tools | {path.name: path for path in _ENTRYPOINTS.iterdir()}
