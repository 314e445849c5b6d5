"""TOML files that settings name."""

import tomllib
from pathlib import Path
from typing import Any

from common.errors import SettingsError


def read_toml(path: Path, setting: str) -> dict[str, Any]:
    """What a file says; SettingsError names the setting that names it."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{setting} is wrong: no readable TOML file.") from None
