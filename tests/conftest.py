"""Fixtures of all tests: running homes, real files."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.local_home import RunningHome

StartHome = Callable[..., RunningHome]


@contextmanager
def homes() -> Iterator[StartHome]:
    """Starts homes of `dcm2set up`; all are ended, and their folders removed, with the block."""
    started: list[RunningHome] = []
    with tempfile.TemporaryDirectory(prefix="dcm2set-test-") as place:

        def start(*, folder: Path | None = None, **settings: str) -> RunningHome:
            home = RunningHome.start(folder or Path(place) / str(len(started)) / "home", settings)
            started.append(home)
            return home

        try:
            yield start
        finally:
            # They end side by side: each waits for its own processes.
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(RunningHome.end, started))


@pytest.fixture(scope="module")
def start_home() -> Iterator[StartHome]:
    """Starts homes that end with the file of tests: an idle home still sweeps."""
    with homes() as start:
        yield start


@pytest.fixture(scope="session")
def home() -> Iterator[RunningHome]:
    """A home without a NAS, whose leases and sweeps are short."""
    with homes() as start:
        yield start(
            DCM2SET_SWEEP_SECONDS="1",
            DCM2SET_SWEEP_GRACE_SECONDS="2",
            DCM2SET_LEASE_SECONDS="5",
            DCM2SET_RETRY_SECONDS="1",
        )


@pytest.fixture(scope="session")
def endpoints(home: RunningHome) -> dict[str, Any]:
    """What the home's endpoints.json says."""
    return home.endpoints
