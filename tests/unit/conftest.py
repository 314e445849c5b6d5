"""Fixtures of the unit tests."""

from pathlib import Path

import pytest


@pytest.fixture
def without_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, so that a developer's .env is not read."""
    monkeypatch.chdir(tmp_path)
