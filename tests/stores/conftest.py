"""Homes on other object stores, and without notifications."""

from collections.abc import Iterator

import pytest

from tests.conftest import homes
from tests.support.local_home import RunningHome


@pytest.fixture(scope="session")
def versitygw_home() -> Iterator[RunningHome]:
    """A home on VersityGW, which is built if it isn't in the cache."""
    with homes() as start:
        yield start(DCM2SET_LOCAL_STORE="versitygw", DCM2SET_LEASE_SECONDS="5", DCM2SET_RETRY_SECONDS="1")


@pytest.fixture(scope="session")
def silent_home() -> Iterator[RunningHome]:
    """A home on MinIO without notifications."""
    with homes() as start:
        yield start(DCM2SET_STORE_NOTIFICATIONS="false")
