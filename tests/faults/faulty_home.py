"""A home for faults: relays before its servers, two processes of each function, its own disk and clock."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.home import Home, TcpPorts
from tests.faults.arranged_up import Arrangement
from tests.faults.notification_relay import NotificationRelay
from tests.faults.tcp_relay import TcpRelay
from tests.support.free_ports import free_ports
from tests.support.local_home import RunningHome

DISK_MEGABYTES = 2000


@dataclass(frozen=True)
class FaultyHome:
    """A running home and the means to cause faults in it."""

    home: RunningHome
    minio: TcpRelay
    postgres: TcpRelay
    notifications: NotificationRelay
    arrangement: Arrangement
    has_own_disk: bool  # the disk can be filled
    has_own_clock: bool  # the clock can be moved

    def move_clock(self, seconds: float) -> None:
        """Set the home's clock to that many seconds from the machine's clock."""
        path = Path(self.arrangement.clock_file)
        part = path.with_suffix(".part")
        part.write_text(f"{seconds:.0f}\n", encoding="utf-8")
        part.chmod(0o644)
        part.replace(path)


@contextmanager
def faulty_home(settings: Mapping[str, str], seed: int) -> Iterator[FaultyHome]:
    """Start a home with relays, its own disk and its own clock; all of it ends with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dcm2set-faults-")))
        folder.chmod(0o755)  # Postgres reads the clock file as another user
        disk = folder / "disk"
        disk.mkdir()
        has_own_disk = stack.enter_context(_own_disk(disk))
        home_folder = disk / "home"
        home_folder.mkdir(mode=0o700)
        relays = _Relays.start(stack, Home(home_folder).tcp_ports(), seed)
        clock = _clock_library(folder)
        arrangement = relays.arrangement(home_folder, folder / "clock", clock)
        arrangement.write(folder / "arrangement.json")
        (folder / "clock").write_text("0\n", encoding="utf-8")
        command = ("tests.faults.arranged_up", str(folder / "arrangement.json"))
        home = RunningHome.start(home_folder, settings, command=command)
        stack.callback(_keep_logs, home_folder)
        stack.callback(home.end)
        yield FaultyHome(
            home,
            relays.minio,
            relays.postgres,
            relays.notifications,
            arrangement,
            has_own_disk,
            has_own_clock=clock is not None,
        )


@dataclass(frozen=True)
class _Relays:
    """The relays of a home, and the TCP ports of the second process of each function."""

    minio: TcpRelay
    postgres: TcpRelay
    notifications: NotificationRelay
    twin_ports: dict[str, int]

    @classmethod
    def start(cls, stack: ExitStack, ports: TcpPorts, seed: int) -> "_Relays":
        """Start the relays; they are closed with the stack."""
        twins = dict(zip(ports.functions, free_ports(len(ports.functions)), strict=True))
        minio, postgres = TcpRelay(ports.minio), TcpRelay(ports.postgres)
        urls = {
            name: [f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{twins[name]}/"]
            for name, port in ports.functions.items()
        }
        notifications = NotificationRelay(urls, seed)
        for relay in (minio, postgres, notifications):
            relay.start()
            stack.callback(relay.close)
        return cls(minio, postgres, notifications, twins)

    def arrangement(self, home: Path, clock_file: Path, clock_library: Path | None) -> Arrangement:
        """What `arranged_up` needs to put the relays, twins and clock in place."""
        return Arrangement(
            home=str(home),
            minio_port=self.minio.port,
            postgres_port=self.postgres.port,
            notification_port=self.notifications.port,
            twin_ports=self.twin_ports,
            clock_file=str(clock_file),
            clock_library=str(clock_library or ""),
        )


@contextmanager
def _own_disk(folder: Path) -> Iterator[bool]:
    """Mount a file system on the folder; False if this user may not."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        yield False
        return
    options = f"size={DISK_MEGABYTES}m,mode=755"
    done = subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run([umount, "-l", str(folder)], check=True)


def _keep_logs(home: Path) -> None:
    """Copy the logs to the folder that DCM2SET_FAULT_LOGS names, if it is set."""
    kept = os.environ.get("DCM2SET_FAULT_LOGS")
    if kept:
        target = Path(kept) / home.parent.parent.name
        shutil.copytree(home / "log", target, dirs_exist_ok=True)
        with suppress(OSError):
            shutil.copy(home.parent / "up.log", target)


def _clock_library(folder: Path) -> Path | None:
    """Build the library that moves the clock; None without a C compiler or on another system than Linux."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "moved_clock.so"
    source = Path(__file__).with_name("moved_clock.c")
    done = subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source], check=False)
    return library if done.returncode == 0 else None
