"""A Docker of its own for a test: dockerd in a folder, and Docker Compose built from its modules.

It makes its bridges and rules in the network namespace that it is started in, which ends with the test.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.stores.go_program import cache_folder
from tests.support.local_home import wait_for

COMPOSE = "github.com/docker/compose/v2"
_PINNED = Path(__file__).with_name("plugin")
_CGROUPS = Path("/sys/fs/cgroup")  # of version 1, in which dockerd leaves its empty group
_SECONDS = 60


def compose_program() -> Path:
    """The binary of Docker Compose, built once: about 5 minutes of processor time."""
    module = next(line.split() for line in (_PINNED / "go.mod").read_text().splitlines() if COMPOSE in line)
    version = module[module.index(COMPOSE) + 1]
    binary = cache_folder() / f"docker-compose-{version}"
    if not binary.exists():
        part = binary.with_name(binary.name + ".part")
        flags = ["-mod=readonly", "-trimpath", "-ldflags", f"-s -w -X {COMPOSE}/internal.Version={version}"]
        environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
        command = ["nice", "go", "build", *flags, "-o", str(part), f"{COMPOSE}/cmd"]
        subprocess.run(command, cwd=_PINNED, env=environment, check=True)
        part.replace(binary)
    return binary


@dataclass(frozen=True)
class Engine:
    """A running dockerd."""

    socket: Path

    def docker(self, *arguments: str | Path, seconds: float = 300) -> "subprocess.CompletedProcess[str]":
        """Run Docker's client."""
        return self._run(["docker", *map(str, arguments)], seconds)

    def compose(self, folder: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run Docker Compose in the folder of an installation."""
        return self._run([str(compose_program()), *map(str, arguments)], 400, folder)

    def load(self, archive: Path, name: str) -> None:
        """Take in an image from its archive, and give it a name."""
        printed = self.docker("load", "--quiet", "--input", archive)
        assert printed.returncode == 0, printed.stderr
        loaded = printed.stdout.partition(": ")[2].strip()
        assert self.docker("tag", loaded, name).returncode == 0

    def _run(
        self, command: list[str], seconds: float, folder: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.socket.parent)}
        environment["DOCKER_HOST"] = f"unix://{self.socket}"
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """A dockerd with its data in a new folder, ended and removed afterwards."""
    assert shutil.which("dockerd"), "apt install docker.io"
    folder.mkdir()
    running = Engine(folder / "docker.sock")
    command = ["dockerd", "--data-root", folder / "data", "--exec-root", folder / "run"]
    group = f"dcm2set-{os.getpid()}"
    command += ["--pidfile", folder / "docker.pid", "--host", f"unix://{running.socket}"]
    command += ["--cgroup-parent", f"/{group}"]
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
    try:
        ready = wait_for(lambda: running.docker("version").returncode == 0, seconds=_SECONDS)
        assert ready, (folder / "dockerd.log").read_text()[-2000:]
        yield running
    finally:
        process.terminate()
        process.wait(timeout=_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        for empty in _CGROUPS.glob(f"*/{group}"):
            empty.rmdir()
