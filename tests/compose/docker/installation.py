"""An installation under Docker itself: `docker compose up`, with images of this checkout."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.compose.installation import read_environment
from tests.compose.docker.engine import Engine, engine
from tests.compose.docker.stand_ins import load_stand_ins, write_override
from tests.compose.first_answer import seconds_to_answer
from tests.support.compose_file import read
from tests.support.repository import ROOT

_OVERRIDE = "stand-ins.yaml"
_ARCHIVES = {
    "DCM2SET_IMAGE": "dcm2set.tar",
    "DCM2SET_OPERATOR_IMAGE": "dcm2set-operator.tar",
    "DCM2SET_STORE_IMAGE": "dcm2set-minio.tar",
}
_BUILT = ROOT / "build" / "image"


@dataclass(frozen=True)
class DockerContainer:
    """A service, as the tests of an installation ask for it."""

    name: str
    engine: Engine
    folder: Path

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the service's entrypoint with other arguments to its end."""
        return self._compose("run", "--rm", "--no-deps", self.name, *arguments)

    def check(self, test: list[str]) -> bool:
        """Whether a command succeeds within the running service."""
        return self._compose("exec", "--no-TTY", self.name, *test).returncode == 0

    @property
    def address(self) -> str:
        """An address at which this process reaches the service."""
        networks = self.described()["NetworkSettings"]["Networks"]
        return next(network["IPAddress"] for network in networks.values())

    def described(self) -> dict[str, Any]:
        """What Docker says of the container: command, environment, mounts, state."""
        numbered = self._compose("ps", "--all", "--quiet", self.name).stdout.strip()
        return dict(json.loads(self.engine.docker("inspect", numbered).stdout)[0])

    def _compose(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return compose(self.engine, self.folder, *arguments)


def compose(engine: Engine, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Docker Compose with the file of an installation, and what stands for images of a registry."""
    return engine.compose(folder, "--file", "compose.yaml", "--file", _OVERRIDE, *arguments)


@dataclass(frozen=True)
class DockerInstallation:
    """The folder that `dcm2set init-compose` made, and its services under Docker."""

    folder: Path
    compose: dict[str, Any]
    containers: dict[str, DockerContainer]
    engine: Engine

    @property
    def order(self) -> list[str]:
        """The services in the order of their starts."""
        described = {name: container.described() for name, container in self._started().items()}
        return sorted(described, key=lambda name: str(described[name]["State"]["StartedAt"]))

    def printed(self) -> str:
        """What all services printed."""
        return compose(self.engine, self.folder, "logs", "--no-color").stdout

    def given(self) -> str:
        """The commands and environments of all services."""
        return json.dumps([container.described()["Config"] for container in self._started().values()])

    def operator(self, *arguments: str) -> str:
        """What a command of the operator prints."""
        done = self.containers["operator"].run(*arguments)
        assert done.returncode in {0, 1}, (done.returncode, done.stderr)
        return done.stdout

    def status(self) -> dict[str, Any]:
        """What `dcm2set status --json` prints."""
        return dict(json.loads(self.operator("status", "--json")))

    def start_again(self, name: str) -> float | None:
        """End a function, and start it; the seconds to its first healthy answer, or None."""
        container = self.containers[name]
        numbered = str(container.described()["Id"])
        self.engine.docker("stop", numbered)
        return seconds_to_answer(lambda: self.engine.docker("start", numbered), lambda: container.address)

    def _started(self) -> dict[str, DockerContainer]:
        return {name: container for name, container in self.containers.items() if name != "operator"}


@contextmanager
def docker_installation(folder: Path, *options: str, settings: str) -> Iterator[DockerInstallation]:
    """Make an installation with `dcm2set init-compose`, start it under a Docker of its own, and end both."""
    missing = [name for name in _ARCHIVES.values() if not (_BUILT / name).exists()]
    assert not missing, f"build/image lacks {', '.join(missing)}: make image"
    command = [sys.executable, "-m", "infra.cli", "init-compose", str(folder), *options]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (folder / "settings.env").write_text(settings)
    write_override(folder / _OVERRIDE)
    environment = read_environment(folder)
    with engine(folder.parent / "docker") as docker:
        for variable, archive in _ARCHIVES.items():
            docker.load(_BUILT / archive, environment[variable])
        load_stand_ins(docker)
        described = read(environment, folder / "compose.yaml")
        containers = {name: DockerContainer(name, docker, folder) for name in described["services"]}
        done = compose(docker, folder, "up", "--detach", "--wait", "--no-build", "--pull", "never")
        running = DockerInstallation(folder, described, containers, docker)
        try:
            assert done.returncode == 0, done.stderr[-3000:] + running.printed()[-3000:]
            yield running
        finally:
            compose(docker, folder, "down", "--volumes")
