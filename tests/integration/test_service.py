"""`dcm2set up` under what the systemd unit takes away: it works, says that it is ready, and ends cleanly."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from infra.local.home import MARKER
from infra.local.stores.go_program import cache_folder
from tests.support.held_files import held_file, put_held
from tests.support.local_home import RunningHome, wait_for
from tests.support.nas_folder import NAS_SETTINGS, drop
from tests.support.page_client import PageClient
from tests.support.real_files import make_instance
from tests.support.service_unit import USER, confined, directives, environment

INSIDE = Path("/var/lib/dcm2set/home")
_REFUSED = re.compile("permission denied|not permitted|read-only|offers no|warning", re.IGNORECASE)


@dataclass
class Service:
    """The running service: its home seen from outside, and what it told the service manager."""

    home: RunningHome
    manager: socket.socket
    nas: Path

    def told(self) -> str:
        """The next message to the service manager."""
        return self.manager.recv(100).decode()

    def processes(self) -> list[psutil.Process]:
        """All processes of the home."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARKER) == str(INSIDE) and process.uids().real == USER:
                    found.append(process)
        return found

    @property
    def log(self) -> str:
        """Everything that `up` printed and its processes logged."""
        files = [self.home.folder.parents[1] / "up.log", *(self.home.folder / "log").iterdir()]
        return "".join(path.read_text(errors="replace") for path in files)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service that has told that it is ready."""
    if os.geteuid() != 0 or not (shutil.which("bwrap") and shutil.which("systemd-analyze")):
        pytest.skip("Install bubblewrap and systemd, and run as root.")
    with (
        tempfile.TemporaryDirectory(prefix="dcm2set-service-") as place,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        state, nas = Path(place) / "state", Path(place) / "state" / "nas"
        nas.mkdir(parents=True)
        manager.bind(str(state / "manager"))
        manager.settimeout(120)
        for path in (state, nas, state / "manager"):
            shutil.chown(path, USER, USER)
        found = Service(_started(Path(place), state), manager, nas)
        try:
            yield found
        finally:
            for process in found.processes():
                process.kill()
            found.home.end()


def _started(place: Path, state: Path) -> RunningHome:
    unit = directives()
    (command,) = unit["ExecStart"]
    assert command.endswith("/.venv/bin/dcm2set up")
    (place / "files").mkdir()
    settings = {**NAS_SETTINGS, "DCM2SET_NAS_URL": "file:///var/lib/dcm2set/nas"}
    manager = {"NOTIFY_SOCKET": "/var/lib/dcm2set/manager"}
    with (place / "up.log").open("wb") as log:
        process = subprocess.Popen(
            confined(
                [sys.executable, "-m", "infra.cli", "up"],
                state=state,
                cache_folder=cache_folder(),
                folder=place / "files",
            ),
            env=environment(unit) | settings | manager,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    home = RunningHome(state / "home", process, settings)
    wait_for(
        lambda: home.folder.joinpath("endpoints.json").exists() or process.poll() is not None, seconds=120
    )
    assert process.poll() is None, (place / "up.log").read_text()
    return home


def test_everything_works(service: Service) -> None:
    """Files from the NAS are marked, drawn in the sandbox and judged, and the page draws a held one."""
    assert "READY=1" == service.told()
    drop(
        service.nas, "ward", {"1.dcm": make_instance(1, patient=941), "2.dcm": make_instance(2, patient=941)}
    )
    assert wait_for((service.nas / "ward_processed").is_dir, seconds=60), service.log
    (held,) = put_held(service.home, [held_file(1)], name="service")
    page = PageClient.of(service.home, "reviewer")
    assert page.get(f"/held/{held['id']}/frames/1.png").data.startswith(b"\x89PNG")
    balance = service.home.wait_until_idle()["balance"]
    assert (3, 2, 1, 0) == tuple(
        balance[f"files_{name}"] for name in ("found", "extracted", "held", "difference")
    )
    assert 2 == balance["images_good"]
    refused = [line for line in service.log.splitlines() if _REFUSED.search(line)]
    assert [] == refused


def test_every_process_is_confined(service: Service) -> None:
    """None has a right of root, can gain one, or is without the filters; the sandbox has one more."""
    status = {process: Path(f"/proc/{process.pid}/status").read_text() for process in service.processes()}
    assert len(status) >= 10
    for text in status.values():
        assert "CapEff:\t0000000000000000" in text
        assert "NoNewPrivs:\t1" in text
    filters = [int(text.partition("Seccomp_filters:")[2].split()[0]) for text in status.values()]
    assert (2, 3) == (min(filters), max(filters))


def test_nothing_is_written_elsewhere(service: Service) -> None:
    """Neither /tmp nor any other folder is used but the state folder, and nothing there is for others."""
    (pid,) = {
        process.pid
        for process in service.processes()
        if process.cmdline()[1:3] == ["-m", "supervisor.supervisord"]
    }
    root = Path(f"/proc/{pid}/root")
    assert [] == [*(root / "tmp").iterdir(), *(root / "var/tmp").iterdir()]
    assert [] == [
        path for path in service.home.folder.rglob("*") if path.stat().st_mode & 0o007 and path.is_file()
    ]


def test_no_link_that_signs_in_reaches_the_journal(service: Service) -> None:
    """What `up` prints is kept by the service manager, so it says how to get such a link instead."""
    assert "dcm2set users add admin" in service.log
    assert "/invitations/" not in service.log


def test_sigterm_ends_everything(service: Service) -> None:
    """`up` alone gets the signal and says so; it ends with code 0, and leaves no process and no original."""
    endpoints = json.loads((service.home.folder / "endpoints.json").read_text())
    psutil.Process(endpoints["pid"]).send_signal(signal.SIGTERM)
    assert "STOPPING=1" == service.told()
    assert 0 == service.home.process.wait(timeout=60)
    assert [] == service.processes()
    assert not (service.home.folder / "tmp").exists()
    assert not (service.home.folder / "endpoints.json").exists()
