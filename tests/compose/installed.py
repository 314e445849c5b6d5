"""An installation that runs without Docker: its services start in the order that compose.yaml asks for."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from infra.compose.installation import read_environment
from tests.compose.container import Container
from tests.compose.first_answer import seconds_to_answer
from tests.compose.images import images_of
from tests.compose.networks import Networks
from tests.compose.published_ports import published
from tests.support.compose_file import ONE_SHOT, read
from tests.support.local_home import wait_for
from tests.support.repository import ROOT

_START_SECONDS = 120
_TOOLS = {"bwrap": "bubblewrap", "haproxy": "haproxy", "prometheus": "prometheus", "setpriv": "util-linux"}


@dataclass
class Installation:
    """The folder that `dcm2set init-compose` made, and its running services."""

    folder: Path
    compose: dict[str, Any]
    containers: dict[str, Container]
    order: list[str] = field(default_factory=list)  # in which the services became ready

    def start(self) -> None:
        """Start each service as soon as what it waits for is ready."""
        chosen = set(read_environment(self.folder)["COMPOSE_PROFILES"].split(","))
        services = self.compose["services"]
        waiting = [name for name in services if chosen.issuperset(services[name].get("profiles", ()))]
        running: list[str] = []
        while waiting or running:
            for name in list(waiting):
                if self._may_start(name):
                    waiting.remove(name)
                    self._start(name, running)
            if not running:
                continue
            ready = wait_for(
                lambda: [name for name in running if self._is_ready(name)], seconds=_START_SECONDS
            )
            assert ready, {name: self.containers[name].log()[-2000:] for name in running}
            for name in ready:
                running.remove(name)
                self.order.append(name)

    def _start(self, name: str, running: list[str]) -> None:
        if name in ONE_SHOT:
            done = self.containers[name].run()
            assert 0 == done.returncode, done.stdout + done.stderr
            self.order.append(name)
        else:
            self.containers[name].start()
            running.append(name)

    def _may_start(self, name: str) -> bool:
        others = self.compose["services"][name].get("depends_on", {})
        started = {other for other, container in self.containers.items() if container.process is not None}
        return all(
            other in (started if how["condition"] == "service_started" else self.order)
            for other, how in others.items()
        )

    def _is_ready(self, name: str) -> bool:
        container = self.containers[name]
        assert container.process is not None
        assert container.process.poll() is None, f"{name} ended:\n{container.log()}"
        if test := self.compose["services"][name]["healthcheck"].get("test"):
            return container.check(test[1:])
        if container.image.health:
            return container.check(container.image.health)
        url = f"http://{container.address}:9000/minio/health/live"
        with suppress(urllib3.exceptions.HTTPError):
            return urllib3.request("GET", url, retries=False, timeout=5).status == 200
        return False

    def start_again(self, name: str) -> float | None:
        """End a function, and start it; the seconds to its first healthy answer, or None."""
        container = self.containers[name]
        container.end()
        return seconds_to_answer(container.start, lambda: container.address)

    def operator(self, *arguments: str) -> str:
        """What a command of the operator prints: `docker compose run --rm operator …`."""
        done = self.containers["operator"].run(*arguments)
        assert done.returncode in {0, 1}, (done.returncode, done.stderr)
        return done.stdout

    def printed(self) -> str:
        """What all services printed."""
        return "".join(container.log() for container in self.containers.values() if container.process)

    def given(self) -> str:
        """The commands of all services, with their environments."""
        return " ".join(part for container in self.containers.values() for part in container.command())

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.operator("status", "--json")))


def _image_of(service: Mapping[str, Any]) -> str:
    """The last part of an image's name: ``dcm2set`` of ``localhost/dcm2set:0.1.0``."""
    return str(service["image"]).partition("@")[0].rpartition("/")[2].partition(":")[0]


@contextmanager
def installation(folder: Path, *options: str, settings: str) -> Iterator[Installation]:
    """Make an installation with `dcm2set init-compose`, start it with settings, and end it."""
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    assert not missing, f"apt install {' '.join(missing)}"
    # Addresses and ports are those of the file, so nothing else may be on this network.
    assert [(1, "lo")] == socket.if_nameindex(), "run it with: make compose"
    command = [sys.executable, "-m", "infra.cli", "init-compose", str(folder), *options]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (folder / "settings.env").write_text(settings)
    compose = read(read_environment(folder), folder / "compose.yaml")
    networks = Networks.create(compose)
    logs = folder.parent / "logs"
    logs.mkdir()
    images = images_of(os.environ.get("IMAGE"), folder.parent / "images")
    containers = {
        name: Container(name, service, images[_image_of(service)], compose, folder, networks, logs)
        for name, service in compose["services"].items()
    }
    running = Installation(folder, compose, containers)
    try:
        running.start()
        with published(compose["services"]["proxy"]["ports"], networks.addresses["proxy", "edge"]):
            yield running
    finally:
        for name in [*reversed(running.order), *containers]:
            containers[name].end()
