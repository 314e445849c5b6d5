"""Fixtures of all tests: running homes, a fake DSM, the log."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fake_dsm.server import FakeDsm, running_dsm
from tests.fake_dsm.share import ROOT
from tests.in_memory.log import captured_log
from tests.support.local_home import RunningHome

StartHome = Callable[..., RunningHome]


@contextmanager
def homes() -> Iterator[StartHome]:
    """Give a function that starts homes with `dcm2set up`; end them and remove their folders afterwards."""
    started: list[RunningHome] = []
    with tempfile.TemporaryDirectory(prefix="dcm2set-test-") as place:

        def start(*, folder: Path | None = None, options: Sequence[str] = (), **settings: str) -> RunningHome:
            folder = folder or Path(place) / str(len(started)) / "home"
            command = ("infra.cli", "up", "--home", str(folder), *options)
            home = RunningHome.start(folder, settings, command=command)
            started.append(home)
            return home

        try:
            yield start
        finally:
            # In parallel, because each home waits for its own processes to end.
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(RunningHome.end, started))


@pytest.fixture(scope="module")
def start_home() -> Iterator[StartHome]:
    """A function that starts homes, which end with the test file because an idle home still sweeps."""
    with homes() as start:
        yield start


@pytest.fixture(scope="session")
def home() -> Iterator[RunningHome]:
    """A home without a NAS, with short leases and sweep intervals, shared by all tests."""
    with homes() as start:
        yield start(
            DCM2SET_SWEEP_SECONDS="1",
            DCM2SET_LEASE_SECONDS="5",
            DCM2SET_RETRY_SECONDS="1",
        )


@pytest.fixture(scope="session")
def endpoints(home: RunningHome) -> dict[str, Any]:
    """The content of the home's endpoints.json."""
    return home.endpoints


@pytest.fixture
def dsm(tmp_path: Path) -> Iterator[FakeDsm]:
    """A fake DSM over TLS, whose folder for DICOM files is empty."""
    with running_dsm(FakeDsm(), tmp_path) as dsm:
        dsm.share.make_folder(ROOT)
        yield dsm


@pytest.fixture(autouse=True)
def log() -> Iterator[list[str]]:
    """The lines that the project logs during a test; nothing goes to standard error."""
    with captured_log() as lines:
        yield lines
