"""Settings from a folder of files, one for each secret, as containers get them.

A file has the name of the variable, such as DCM2SET_MINIO_SECRET_KEY, and holds its value. A variable of
the same name takes precedence.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import EnvSettingsSource

from common.errors import SettingsError

VARIABLE = "DCM2SET_SECRETS_DIR"
_BEGINNINGS = ("DCM2SET_", "DATABASE_URL")


class SecretFiles(EnvSettingsSource):
    """The files as a source of settings; they are read as variables are, so an empty one counts as absent."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        folder = os.environ.get(VARIABLE)
        found = read_secrets(Path(folder)) if folder else {}
        return {name.lower(): value for name, value in found.items() if value}


def read_secrets(folder: Path) -> dict[str, str]:
    """The settings in a folder of files, by the names of the variables, without line breaks at the end.

    Raises SettingsError if the folder or one of these files can't be read.
    """
    try:
        files = [file for file in folder.iterdir() if file.name.startswith(_BEGINNINGS)]
    except OSError:
        raise SettingsError(f"{VARIABLE} is wrong: expected a folder that this user can read.") from None
    return {file.name: _text(file) for file in files}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"The file {file.name} of {VARIABLE} can't be read by this user.") from None
