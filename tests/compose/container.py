"""A service of a compose file as processes of this machine, confined as the file says.

It has the root, the mounts, the user, the environment, the secrets and the network that the file gives it.
Limits of memory and processors are not applied: they need control groups.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from infra.local.postgres_server import binary
from infra.local.stores.minio_server import MINIO
from tests.compose.networks import Networks
from tests.support.repository import ROOT

_TOOLS = "/image/bin"  # what the images have on their path
_PYTHON = Path(os.path.realpath(sys.prefix)) / "bin" / "python"
_ENTRYPOINTS = Path(__file__).with_name("entrypoints")
# After this the process has no capability and can't get one, as with cap_drop and no-new-privileges.
_DROP = ["--clear-groups", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"]


@dataclass
class Container:
    """One service; started at most once."""

    name: str
    service: Mapping[str, Any]
    compose: Mapping[str, Any]
    folder: Path  # of the installation
    networks: Networks
    logs: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start the service's command in the background."""
        assert self.process is None
        with (self.logs / f"{self.name}.log").open("wb") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the service's entrypoint with other arguments to its end, as `docker compose run` does."""
        return subprocess.run(
            self.command(arguments), capture_output=True, text=True, timeout=120, check=False
        )

    @property
    def address(self) -> str:
        """An address at which this process reaches the service."""
        return self.networks.address(self.name)

    def check(self, test: list[str]) -> bool:
        """Whether a command succeeds within the running service, as a health check of Docker does."""
        first = self._first_process()
        if first is None:
            return False
        inside = ["nsenter", f"--target={first}", "--mount", "--pid", "--ipc", "--net"]
        environment = [f"{name}={value}" for name, value in self._environment().items()]
        command = [*inside, *self._as_user(), "env", "-i", *environment, *test]
        with (self.logs / f"{self.name}.checks").open("ab") as log:
            return subprocess.run(command, stdout=log, stderr=log, timeout=30, check=False).returncode == 0

    def _first_process(self) -> int | None:
        """The first process of the service, which is a child of bwrap here; None before it runs."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return children[0].pid if children else None

    def _as_user(self) -> list[str]:
        uid, _, gid = str(self.service["user"]).partition(":")
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", *_DROP]

    def log(self) -> str:
        return (self.logs / f"{self.name}.log").read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """End the service with its stop signal, as `docker compose stop` does."""
        if self.process is None or self.process.poll() is not None:
            return
        # bwrap passes no signal on.
        first = self._first_process()
        with suppress(ProcessLookupError):
            os.kill(first or self.process.pid, signal.Signals[self.service.get("stop_signal", "SIGTERM")])
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=10)

    def command(self, arguments: tuple[str, ...] | None = None) -> list[str]:
        """The command with everything around it."""
        inner = [*self._entrypoint(), *(arguments or self.service.get("command", ()))]
        needed = [part for name in ("setuid", "setgid", "setpcap") for part in ("--cap-add", f"cap_{name}")]
        confined = ["bwrap", "--die-with-parent", "--as-pid-1", "--unshare-pid", "--unshare-ipc", *needed]
        confined += [*self._root(), *self._mounts(), "--remount-ro", "/", "--clearenv"]
        for name, value in self._environment().items():
            confined += ["--setenv", name, str(value)]
        confined += ["--chdir", str(self.service.get("working_dir", "/"))]
        return ["ip", "netns", "exec", self.name, *confined, *self._as_user(), *inner]

    def _entrypoint(self) -> list[str]:
        """The entrypoint of the file, or else what the image has."""
        if "entrypoint" in self.service:
            return list(self.service["entrypoint"])
        image = str(self.service["image"])
        if image.startswith("postgres:"):
            return ["postgres-entrypoint"]
        if image.startswith("prom/"):
            return ["prometheus"]
        if image.startswith("haproxy:"):
            return ["haproxy-entrypoint"]
        return ["python", "-m", "infra.image.serve"]

    def _root(self) -> Iterator[str]:
        """The image: this machine's programs, Python, and the code, read-only."""
        yield from ("--tmpfs", "/", "--proc", "/proc", "--dev", "/dev")
        for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ssl"):
            if Path(path).exists():
                yield from _mounted("--ro-bind", path, path)
        for path in {sys.base_prefix, os.path.realpath(sys.prefix)}:
            yield from _mounted("--ro-bind", path, path)
        for room in sorted(ROOT.iterdir()):
            if (room / "__init__.py").exists():
                yield from _mounted("--ro-bind", room, f"{code_folder()}/{room.name}")
        for name, path in _tools().items():
            yield from _mounted("--ro-bind", path, f"{_TOOLS}/{name}")
        uid, _, gid = self.service["user"].partition(":")
        # The image of Postgres gives its user a name by itself.
        for name, text in {
            "hosts": self.networks.hosts(self.name),
            "resolv.conf": "nameserver 127.0.0.11\n",  # where Docker's name server would be
            "passwd": f"service:x:{uid}:{gid}::/tmp:/bin/sh\n",
        }.items():
            file = self.logs / f"{self.name}.{name}"
            file.write_text(text)
            yield from _mounted("--ro-bind", file, f"/etc/{name}")

    def _mounts(self) -> Iterator[str]:
        """What the file mounts: tmpfs, folders, configs and secrets."""
        for mount in self.service.get("tmpfs", ()):
            path, _, options = mount.partition(":")
            chosen = dict(option.split("=") for option in options.split(","))
            yield from _parents(path)
            yield from ("--perms", chosen["mode"], "--size", str(_bytes(chosen["size"])), "--tmpfs", path)
        for volume in self.service.get("volumes", ()):
            yield from _mounted("--bind", self.folder / volume["source"], volume["target"])
        for kind, folder in (("configs", "/"), ("secrets", "/run/secrets")):
            for used in self.service.get(kind, ()):
                part = {"source": used, "target": used} if isinstance(used, str) else used
                file = self.folder / self.compose[kind][part["source"]]["file"]
                yield from _mounted("--ro-bind", file, str(Path(folder) / part["target"]))

    def _environment(self) -> dict[str, str]:
        postgres = Path(binary("postgres")).parent
        path = f"{_TOOLS}:{_PYTHON.parent}:{postgres}:/usr/local/bin:/usr/bin:/bin:/usr/sbin"
        of_files = [line for file in self.service.get("env_file", ()) for line in _lines(self.folder / file)]
        given = dict(line.split("=", 1) for line in of_files)
        image = {"PATH": path, "HOME": "/tmp", "TMPDIR": "/tmp", "PYTHONUNBUFFERED": "1"}
        return image | given | self.service.get("environment", {})


@cache
def code_folder() -> str:
    """Where the installed Python looks for this project: the sandbox of extract has no other search path."""
    find = "import infra, pathlib; print(pathlib.Path(infra.__file__).parents[1])"
    command = [str(_PYTHON), "-P", "-c", find]
    return subprocess.run(command, env={}, cwd="/", check=True, capture_output=True, text=True).stdout.strip()


def _mounted(how: str, source: str | Path, target: str) -> Iterator[str]:
    yield from _parents(target)
    yield from (how, str(source), target)


def _parents(target: str) -> Iterator[str]:
    """The folders above a mount, which everybody may pass, as in a container."""
    for parent in reversed(Path(target).parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(parent))


def _tools() -> dict[str, Path]:
    """The programs of the images that are no Python, by the names under which the file calls them."""
    found = {"minio": MINIO.found(), "prometheus": shutil.which("prometheus")}
    missing = [name for name, path in found.items() if path is None]
    assert not missing, f"missing here: {missing}"
    tools = {name: Path(str(path)) for name, path in found.items()}
    return tools | {path.name: path for path in _ENTRYPOINTS.iterdir()}


def _lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "=" in line and not line.startswith("#")]


def _bytes(size: str) -> int:
    return int(size[:-1]) * {"k": 1024, "m": 1024**2, "g": 1024**3}[size[-1]]
