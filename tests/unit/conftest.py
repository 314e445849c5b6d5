"""Fixtures of the unit tests."""

from collections.abc import Iterator

import pytest

from tests.in_memory.log import captured_log


@pytest.fixture(autouse=True)
def log() -> Iterator[list[str]]:
    """The lines the project logs in a test."""
    with captured_log() as lines:
        yield lines
