"""The secrets of one installation: a file each, made once and never overwritten."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from common.errors import SettingsError
from infra.provision.function_card import function_cards
from infra.provision.private_text import write_private
from infra.provision.store.webhooks import environment_file, webhook_targets, webhook_tokens

OPERATOR = "dcm2set-operator"  # of the object store
# Files that stay empty until somebody writes a secret of another system into them.
_OF_OTHERS = (
    "poll_nas/DCM2SET_NAS_PASSWORD",
    "poll_nas/DCM2SET_NAS_DEVICE_ID",
    "review/DCM2SET_OIDC_CLIENT_SECRET",
    "operator/DCM2SET_FORMER_PSEUDONYM_KEYS",
)


def write_secrets(folder: Path, *, urls: Mapping[str, str], certificate: str | None, made: str) -> list[str]:
    """Make the secrets that are missing, and all files that follow from others; returns what was made.

    `certificate` is the user's own; without one, `made` becomes the certificate unless there is one.
    """
    new = _missing(folder)
    for name, text in new.items():
        _write(folder / name, text)
    for name in _OF_OTHERS:
        if not (folder / name).exists():
            _write(folder / name, "")
    if certificate is not None or not (folder / "proxy.pem").exists():
        _write(folder / "proxy.pem", certificate or made)
    for name, text in _following(folder, urls).items():
        _write(folder / name, text)
    return list(new)


def _missing(folder: Path) -> dict[str, str]:
    wanted = {
        "tokens": secrets.token_urlsafe(32) + "\n",
        "monitoring_password": secrets.token_urlsafe(24),
        "operator/DCM2SET_MINIO_SECRET_KEY": secrets.token_urlsafe(24),
        "operator/DCM2SET_DATABASE_PASSWORD": secrets.token_urlsafe(24),
        "operator/DCM2SET_PSEUDONYM_KEY": secrets.token_hex(32),
    }
    for card in function_cards():
        wanted[f"{card.function}/DCM2SET_MINIO_SECRET_KEY"] = secrets.token_urlsafe(24)
        wanted[f"{card.function}/DCM2SET_DATABASE_PASSWORD"] = secrets.token_urlsafe(24)
    return {name: text for name, text in wanted.items() if not (folder / name).exists()}


def _following(folder: Path, urls: Mapping[str, str]) -> dict[str, str]:
    """The files that other programs need in a form of their own."""
    token = _first_line(folder / "tokens")
    store_key = _first_line(folder / "operator/DCM2SET_MINIO_SECRET_KEY")
    store = {"MINIO_ROOT_USER": OPERATOR, "MINIO_ROOT_PASSWORD": store_key}
    monitoring = _first_line(folder / "monitoring_password")
    return {
        "token": token,
        "store.env": environment_file(store | webhook_targets(urls) | webhook_tokens(token)),
        "monitoring_users.cfg": f"userlist monitoring\n    user operator insecure-password {monitoring}\n",
    }


def _first_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").split()
    if not lines:
        raise SettingsError(f"The secret {file} is empty: delete the file, and a new one is made.")
    return lines[0]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, text)
