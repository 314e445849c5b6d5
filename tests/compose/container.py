"""A service of a compose file as processes of this machine, confined as the file says.

Its image is a built one or this machine's programs. It has the root, the mounts, the user, the environment,
the secrets and the network that the file gives it.
Limits of memory and processors are not applied: they need control groups.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.compose.images import Image, mounted, parents
from tests.compose.networks import Networks

# After this the process has no capability and can't get one, as with cap_drop and no-new-privileges.
_DROP = ["--clear-groups", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"]


@dataclass
class Container:
    """One service; it runs at most once at a time."""

    name: str
    service: Mapping[str, Any]
    image: Image
    compose: Mapping[str, Any]
    folder: Path  # of the installation
    networks: Networks
    logs: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start the service's command in the background."""
        assert self.process is None or self.process.poll() is not None
        with (self.logs / f"{self.name}.log").open("ab") as log:
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
        nsenter = str(shutil.which("nsenter"))
        command = [
            nsenter,
            f"--target={first}",
            "--mount",
            "--pid",
            "--ipc",
            "--net",
            *self._as_user(),
            *test,
        ]
        with (self.logs / f"{self.name}.checks").open("ab") as log:
            done = subprocess.run(
                command, env=self._environment(), stdout=log, stderr=log, timeout=30, check=False
            )
        return done.returncode == 0

    def _first_process(self) -> int | None:
        """The first process of the service, which is a child of bwrap here; None before it runs."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return children[0].pid if children else None

    def _as_user(self) -> list[str]:
        uid, _, gid = str(self.service["user"]).partition(":")
        return [*self.image.setpriv, f"--reuid={uid}", f"--regid={gid}", *_DROP]

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
        entrypoint = self.service.get("entrypoint", self.image.entrypoint)
        inner = [*entrypoint, *(arguments or self.service.get("command", ()))]
        needed = [part for name in ("setuid", "setgid", "setpcap") for part in ("--cap-add", f"cap_{name}")]
        confined = ["bwrap", "--die-with-parent", "--as-pid-1", "--unshare-pid", "--unshare-ipc", *needed]
        confined += [*self._root(), *self._mounts(), "--remount-ro", "/", "--clearenv"]
        for name, value in self._environment().items():
            confined += ["--setenv", name, str(value)]
        confined += ["--chdir", str(self.service.get("working_dir", "/"))]
        return ["ip", "netns", "exec", self.name, *confined, *self._as_user(), *inner]

    def _root(self) -> Iterator[str]:
        """The image, read-only, with what a runtime adds to it."""
        yield from ("--tmpfs", "/", "--proc", "/proc", "--dev", "/dev")
        yield from self.image.root()
        uid, _, gid = self.service["user"].partition(":")
        # The image of Postgres gives its user a name by itself.
        texts = {
            "hosts": self.networks.hosts(self.name),
            "resolv.conf": "nameserver 127.0.0.11\n",  # where Docker's name server would be
            "passwd": f"service:x:{uid}:{gid}::/tmp:/bin/sh\n",
        }
        for name, text in texts.items():
            file = self.logs / f"{self.name}.{name}"
            file.write_text(text)
            yield from mounted("--ro-bind", file, f"/etc/{name}")

    def _mounts(self) -> Iterator[str]:
        """What the file mounts: tmpfs, folders, configs and secrets."""
        for mount in self.service.get("tmpfs", ()):
            path, _, options = mount.partition(":")
            chosen = dict(option.split("=") for option in options.split(","))
            yield from parents(path)
            yield from ("--perms", chosen["mode"], "--size", str(_bytes(chosen["size"])), "--tmpfs", path)
        for volume in self.service.get("volumes", ()):
            yield from mounted("--bind", self.folder / volume["source"], volume["target"])
        for kind, folder in (("configs", "/"), ("secrets", "/run/secrets")):
            for used in self.service.get(kind, ()):
                part = {"source": used, "target": used} if isinstance(used, str) else used
                file = self.folder / self.compose[kind][part["source"]]["file"]
                yield from mounted("--ro-bind", file, str(Path(folder) / part["target"]))

    def _environment(self) -> dict[str, str]:
        of_files = [line for file in self.service.get("env_file", ()) for line in _lines(self.folder / file)]
        given = dict(line.split("=", 1) for line in of_files)
        return self.image.environment | given | self.service.get("environment", {})


def _lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "=" in line and not line.startswith("#")]


def _bytes(size: str) -> int:
    return int(size[:-1]) * {"k": 1024, "m": 1024**2, "g": 1024**3}[size[-1]]
