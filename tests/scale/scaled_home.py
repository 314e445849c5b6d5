"""Start a home with several replicas of each function, and count what it costs."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from infra.local.home import Home
from infra.provision.function_card import function_cards
from tests.faults.tcp_relay import Mode, TcpRelay
from tests.scale.scaled_up import Scale
from tests.scale.store_nodes import NODES
from tests.support.free_ports import free_ports
from tests.support.local_home import RunningHome, wait_for

CONNECTIONS = 8  # of the database server for each role, whatever the number of replicas


@dataclass(frozen=True)
class ScaledHome:
    """A running home that is spread."""

    home: RunningHome
    nas: Path
    scale: Scale

    def replica(self, function: str, number: int) -> psutil.Process:
        """The process of a replica, counted from 1, that starts its workers."""
        return self._first([str(self.scale.replicas[function][number - 1])])

    def server(self, name: str) -> psutil.Process:
        """The process of haproxy, pgbouncer or a node of the store."""
        if name.startswith("minio-"):
            return self._first([f"127.0.0.1:{self.scale.store_ports[int(name[-1]) - 1]}"])
        return self._first([], name)

    def _first(self, parts: list[str], name: str = "") -> psutil.Process:
        """The process with that name and those parts in its command, once it is there."""

        def find() -> psutil.Process | None:
            for process in psutil.Process(self.home.process.pid).children(recursive=True):
                with suppress(psutil.Error):  # it ended meanwhile
                    command = process.cmdline()
                    is_named = not name or (bool(command) and Path(command[0]).name == name)
                    if is_named and all(part in command for part in parts):
                        return process
            return None

        found = wait_for(find, seconds=30)
        if found is None:
            raise LookupError(name or parts[0])
        return found


@contextmanager
def scaled_home(
    replicas: int,
    settings: Mapping[str, str],
    *,
    distance: float = 0,
    is_store_spread: bool = False,
) -> Iterator[ScaledHome]:
    """Start a home whose functions have that many replicas; all of it ends with the block.

    `distance` is the delay in seconds of each part of a request or an answer of the object store.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dcm2set-scale-")))
        folder.chmod(0o755)  # PgBouncer reads its settings as another user
        home_folder, nas = folder / "home", folder / "nas"
        home_folder.mkdir(mode=0o700)
        nas.mkdir()
        scale = _scale(home_folder, replicas, relay_port=_relay(stack, home_folder, distance))
        if not is_store_spread:
            scale = replace(scale, store_ports=[])
        scale.write(folder / "scale.json")
        home = RunningHome.start(
            home_folder,
            {
                **settings,
                "DCM2SET_NAS_URL": nas.as_uri(),
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            },
            command=("tests.scale.scaled_up", str(folder / "scale.json")),
        )
        stack.callback(home.end)
        yield ScaledHome(home, nas, scale)


def _relay(stack: ExitStack, home: Path, distance: float) -> int:
    """Start a relay before the store that delays; returns its TCP port, or 0 without a distance."""
    if not distance:
        return 0
    relay = TcpRelay(Home(home).tcp_ports().minio).start()
    stack.callback(relay.close)
    relay.switch(Mode.DELAY, distance)
    return relay.port


def _scale(home: Path, replicas: int, *, relay_port: int) -> Scale:
    names = [card.function for card in function_cards()]
    ports = free_ports(len(names) * replicas + NODES + 1)
    return Scale(
        home=str(home),
        folder=str(home.parent),
        replicas={name: [ports.pop() for _ in range(replicas)] for name in names},
        pooler_port=ports.pop(),
        connections=CONNECTIONS,
        relay_port=relay_port,
        store_ports=ports,
    )
