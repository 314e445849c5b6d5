"""A new token for a running home; no request is refused and no event is lost meanwhile.

First the functions accept both tokens, then every caller gets the new one, then the old one is refused.
After an interrupted rotation both are accepted, and the next rotation ends both.
"""

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from filelock import FileLock, Timeout
from minio.error import MinioException

from common.errors import DependencyAwayError, SettingsError
from common.tokens import TokenFile
from infra.local.home import Home, read_endpoints, write_tokens
from infra.local.stores.minio_server import write_minio_environment
from infra.provision.private_text import write_private
from infra.provision.store.minio_users import minio_admin

_RESTART_SECONDS = 60
_SCRAPE_TOKEN_SECONDS = 5
_READY_PATH = "/minio/health/ready"


def rotate(home: Home, *, overlap: float, say: Callable[[str], None]) -> None:
    """Give a running home a new token; the old one is accepted for `overlap` more seconds."""
    endpoints, stored = read_endpoints(home), home.secrets()
    if TokenFile(home.token_file)()[0] != stored.token:
        raise SettingsError(
            "The token of this home comes from DCM2SET_TOKEN or DCM2SET_TOKEN_FILE: change it there."
        )
    lock = FileLock(home.folder / "rotation.lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        raise SettingsError("The token of this home is being rotated already.") from None
    with held:
        token = secrets.token_urlsafe(32)
        write_tokens(home, [token, *TokenFile(home.token_file)()])
        home.store_secrets(replace(stored, token=token))
        write_private(home.endpoints, endpoints | {"token": token})
        say("The functions accept the new token; the sweep, the timers and endpoints.json use it.")
        if endpoints["notifications"]:
            write_minio_environment(home, stored, token)
            _restart_minio(endpoints["minio"])
            say("MinIO sends the new token.")
        _wait_for_scrape_token(home, token)
        say(f"The old token is refused in {overlap:g} s.")
        time.sleep(overlap)
        write_tokens(home, [token])
        say("The old token is refused now.")


def _wait_for_scrape_token(home: Home, token: str) -> None:
    """Wait until `up` has written the token for Prometheus, which it does each second."""
    deadline = time.monotonic() + _SCRAPE_TOKEN_SECONDS
    with suppress(FileNotFoundError):  # `up` is of a version without the file
        while (home.prometheus / "token").read_text(encoding="utf-8") != token:
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)


def _restart_minio(minio: dict[str, Any]) -> None:
    """Let MinIO restart itself, and wait until it answers again."""
    # An open connection ends with the old server; whatever answers after that is the new one.
    connection = HTTPConnection(minio["endpoint"], timeout=_RESTART_SECONDS)
    try:
        connection.request("GET", _READY_PATH)
        connection.getresponse().read()
        minio_admin(**minio, seconds=_RESTART_SECONDS).service_restart()
        _wait_for_end(connection.sock)
        deadline = time.monotonic() + _RESTART_SECONDS
        while not _is_ready(minio["endpoint"]):
            if time.monotonic() > deadline:
                raise DependencyAwayError("MinIO did not restart; see its log, then rotate the token again.")
            time.sleep(0.02)
    except (OSError, HTTPException, MinioException):
        raise DependencyAwayError(
            "MinIO could not be restarted; both tokens are accepted until then."
        ) from None
    finally:
        connection.close()


def _wait_for_end(connection: socket.socket) -> None:
    with suppress(ConnectionError):
        while connection.recv(1):
            pass


def _is_ready(endpoint: str) -> bool:
    connection = HTTPConnection(endpoint, timeout=5)
    try:
        connection.request("GET", _READY_PATH)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
