"""Reads TOML files whose paths are settings."""

import tomllib
from pathlib import Path
from typing import Any

from common.errors import SettingsError


def read_toml(path: Path, setting: str) -> dict[str, Any]:
    """The content of a file; raises SettingsError, which names the setting, if it can't be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{setting} is wrong: expected a readable TOML file.") from None
