"""Fixtures of all tests: running homes, real files."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_home import RunningHome

StartHome = Callable[..., RunningHome]


@pytest.fixture(scope="session")
def start_home() -> Iterator[StartHome]:
    """Start homes of `dcm2set up`; each is ended, and its folder removed, when the session ends."""
    started: list[RunningHome] = []
    folders: list[Path] = []

    def start(*, folder: Path | None = None, **settings: str) -> RunningHome:
        if folder is None:
            made = Path(tempfile.mkdtemp(prefix="dcm2set-test-"))
            folders.append(made)
            folder = made / "home"
        home = RunningHome.start(folder, settings)
        started.append(home)
        return home

    yield start
    for home in started:
        home.end()
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def home(start_home: StartHome) -> RunningHome:
    """A home without a NAS, whose leases and sweeps are short."""
    return start_home(
        DCM2SET_SWEEP_SECONDS="1",
        DCM2SET_SWEEP_GRACE_SECONDS="2",
        DCM2SET_LEASE_SECONDS="5",
        DCM2SET_RETRY_SECONDS="1",
    )


@pytest.fixture(scope="session")
def endpoints(home: RunningHome) -> dict[str, Any]:
    """What the home's endpoints.json says."""
    return home.endpoints
