"""Fixtures of the acceptance tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def nas() -> Iterator[Path]:
    """A folder that stands for a mounted share."""
    folder = Path(tempfile.mkdtemp(prefix="dcm2set-nas-"))
    yield folder
    shutil.rmtree(folder)
