"""A home with relays before its servers, two processes of each function, and a disk and clock of its own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.home import Home
from tests.faults.arranged_up import Arrangement
from tests.faults.notification_relay import NotificationRelay
from tests.faults.tcp_relay import TcpRelay
from tests.support.local_home import RunningHome

DISK_MEGABYTES = 2000
REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class FaultyHome:
    """A running home and everything that can be done to it."""

    home: RunningHome
    minio: TcpRelay
    postgres: TcpRelay
    notifications: NotificationRelay
    arrangement: Arrangement
    has_own_disk: bool  # which can be filled
    has_own_clock: bool  # which can be moved

    def move_clock(self, seconds: float) -> None:
        """From now on, so far from the machine's clock."""
        path = Path(self.arrangement.clock_file)
        part = path.with_suffix(".part")
        part.write_text(f"{seconds:.0f}\n", encoding="utf-8")
        part.chmod(0o644)
        part.replace(path)


@contextmanager
def faulty_home(settings: Mapping[str, str], seed: int) -> Iterator[FaultyHome]:
    """Start it; everything of it ends with the block, whatever happens in it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dcm2set-faults-")))
        folder.chmod(0o755)  # Postgres, as another user, reads the clock's file
        place = folder / "disk"
        place.mkdir()
        has_own_disk = stack.enter_context(_own_disk(place))
        home_folder = place / "home"
        home_folder.mkdir(mode=0o700)
        ports = Home(home_folder).ports()
        twins = dict(zip(ports.functions, _free_ports(len(ports.functions)), strict=True))
        minio, postgres = (_started_relay(stack, port) for port in (ports.minio, ports.postgres))
        urls = {
            name: [f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{twins[name]}/"]
            for name, port in ports.functions.items()
        }
        notifications = NotificationRelay(urls, seed).start()
        stack.callback(notifications.close)
        clock = _clock_library(folder)
        arrangement = Arrangement(
            home=str(home_folder),
            minio_port=minio.port,
            postgres_port=postgres.port,
            notification_port=notifications.port,
            twin_ports=twins,
            clock_file=str(folder / "clock"),
            clock_library=str(clock or ""),
        )
        arrangement.write(folder / "arrangement.json")
        (folder / "clock").write_text("0\n", encoding="utf-8")
        command = ("tests.faults.arranged_up", str(folder / "arrangement.json"))
        home = RunningHome.start(home_folder, settings, command=command)
        stack.callback(_keep_logs, home_folder)
        stack.callback(home.end)
        yield FaultyHome(
            home,
            minio,
            postgres,
            notifications,
            arrangement,
            has_own_disk,
            has_own_clock=clock is not None,
        )


@contextmanager
def _own_disk(place: Path) -> Iterator[bool]:
    """A file system of its own, where this user may mount one."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        yield False
        return
    options = f"size={DISK_MEGABYTES}m,mode=755"
    done = subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=False)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run([umount, "-l", str(place)], check=True)


def _started_relay(stack: ExitStack, upstream: int) -> TcpRelay:
    relay = TcpRelay(upstream).start()
    stack.callback(relay.close)
    return relay


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _keep_logs(home: Path) -> None:
    """Where DCM2SET_FAULT_LOGS says, for whoever looks for a cause."""
    kept = os.environ.get("DCM2SET_FAULT_LOGS")
    if kept:
        target = Path(kept) / home.parent.parent.name
        shutil.copytree(home / "log", target, dirs_exist_ok=True)
        with suppress(OSError):
            shutil.copy(home.parent / "up.log", target)


def _clock_library(folder: Path) -> Path | None:
    """The library that moves the clock, where there is a C compiler and Linux's loader."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "moved_clock.so"
    source = Path(__file__).with_name("moved_clock.c")
    done = subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source], check=False)
    return library if done.returncode == 0 else None
