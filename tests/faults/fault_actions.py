"""Cause a fault in a running home, and end it."""

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.faults.faulty_home import FaultyHome
from tests.faults.notification_relay import Delivery
from tests.faults.schedule import Fault
from tests.faults.tcp_relay import Mode

_DELAY_SECONDS = 0.15  # of each chunk
_LEFT_BYTES = 96 * 1024  # left free on a full disk


@contextmanager
def under(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    """Cause the fault until the block ends; gives False if this machine cannot cause it."""
    action = {
        "kill a worker": _kill_worker,
        "kill all processes": _kill_program,
        "pause a worker": _pause_worker,
        "kill a sandbox process": _kill_sandbox_process,
        "kill a server": _kill_program,
        "restart a server": _restart_server,
        "notifications": _change_delivery,
        "fill the disk": _fill_disk,
        "move the clock": _move_clock,
    }.get(fault.family, _switch_relay)
    with action(fault, faulty, chance) as is_done:
        yield is_done


def _kill(processes: list[psutil.Process], number: int = signal.SIGKILL) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


@contextmanager
def _kill_worker(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    workers = faulty.home.forked_processes(fault.target)
    _kill(chance.sample(workers, min(1, len(workers))))
    yield True


@contextmanager
def _kill_program(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    _kill(faulty.home.processes(fault.target))
    yield True


@contextmanager
def _kill_sandbox_process(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    home = faulty.home
    _kill(home.sandbox_processes() if fault.target == "sandbox" else home.zygotes())
    yield True


@contextmanager
def _pause_worker(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    """Stop a worker until its leases have run out, then let it continue."""
    workers = faulty.home.forked_processes(fault.target)
    chosen = chance.sample(workers, min(1, len(workers)))
    _kill(chosen, signal.SIGSTOP)
    try:
        yield True
    finally:
        _kill(chosen, signal.SIGCONT)


@contextmanager
def _restart_server(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    _kill(faulty.home.processes(fault.target), signal.SIGINT)
    yield True


@contextmanager
def _switch_relay(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    relay = faulty.postgres if fault.target == "postgres" else faulty.minio
    relay.switch(Mode(fault.family), _DELAY_SECONDS)
    try:
        yield True
    finally:
        relay.switch(Mode.PASS)


@contextmanager
def _change_delivery(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    faulty.notifications.delivery = Delivery(fault.target)
    try:
        yield True
    finally:
        faulty.notifications.delivery = Delivery.PASS


@contextmanager
def _fill_disk(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    """Fill the disk of the stores, logs and temporary files, except for _LEFT_BYTES."""
    if not faulty.has_own_disk:
        yield False
        return
    ballast = Path(faulty.arrangement.home).parent / "ballast"
    try:
        with ballast.open("wb") as file:
            deadline = time.monotonic() + fault.seconds / 2
            while time.monotonic() < deadline:
                free = shutil.disk_usage(ballast.parent).free
                if free <= _LEFT_BYTES:
                    break
                with suppress(OSError):  # other processes write to the disk too
                    os.posix_fallocate(file.fileno(), ballast.stat().st_size, free - _LEFT_BYTES)
        yield True
    finally:
        ballast.unlink(missing_ok=True)


@contextmanager
def _move_clock(fault: Fault, faulty: FaultyHome, chance: random.Random) -> Iterator[bool]:
    if not faulty.has_own_clock:
        yield False
        return
    faulty.move_clock(float(fault.target))
    try:
        yield True
    finally:
        faulty.move_clock(0)
