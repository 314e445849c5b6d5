"""What each function proves itself with: a folder of secret files for each function.

The folder of a function is what the function itself has as DCM2SET_SECRETS_DIR.
"""

from dataclasses import dataclass
from pathlib import Path

from common.errors import SettingsError
from common.secret_files import read_secrets
from infra.provision.function_card import function_cards

STORE_KEY = "DCM2SET_MINIO_SECRET_KEY"
DATABASE_PASSWORD = "DCM2SET_DATABASE_PASSWORD"  # noqa: S105 a name
_SHORTEST = 16


@dataclass(frozen=True)
class FunctionSecrets:
    """The passwords by function."""

    store_keys: dict[str, str]
    database_passwords: dict[str, str]


def read_function_secrets(folder: Path) -> FunctionSecrets:
    """The passwords of every function. Raises SettingsError, which names what is missing."""
    found = {card.function: _secrets(folder / card.function) for card in function_cards()}
    for name in (STORE_KEY, DATABASE_PASSWORD):
        _refuse_shared(name, [secrets[name] for secrets in found.values()])
    return FunctionSecrets(
        {function: secrets[STORE_KEY] for function, secrets in found.items()},
        {function: secrets[DATABASE_PASSWORD] for function, secrets in found.items()},
    )


def _secrets(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise SettingsError(
            f"DCM2SET_FUNCTION_SECRETS has no folder {folder.name}: each function needs one, "
            f"with the files {STORE_KEY} and {DATABASE_PASSWORD}."
        )
    secrets = read_secrets(folder)
    for name in (STORE_KEY, DATABASE_PASSWORD):
        if len(secrets.get(name, "")) < _SHORTEST:
            raise SettingsError(
                f"The file {folder.name}/{name} in DCM2SET_FUNCTION_SECRETS is missing or too short: "
                f"expected {_SHORTEST} or more characters."
            )
    return secrets


def _refuse_shared(name: str, passwords: list[str]) -> None:
    if len(set(passwords)) < len(passwords):
        raise SettingsError(f"Two functions have the same {name} in DCM2SET_FUNCTION_SECRETS.")
