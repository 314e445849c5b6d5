"""Another token for a running home, without a request refused or an event lost.

First the functions accept both tokens, then every caller gets the new one, then the old one ends.
An interrupted rotation leaves both accepted; the next one goes on from there.
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
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioException

from common.errors import DependencyAwayError, SettingsError
from common.tokens import TokenFile
from infra.local.home import Home, read_endpoints, write_private, write_tokens
from infra.local.programs import write_minio_environment

_RESTART_SECONDS = 60
_READY = "/minio/health/ready"


def rotate(home: Home, *, overlap: float, tell: Callable[[str], None]) -> None:
    """Give a running home a new token; the old one counts for `overlap` more seconds."""
    endpoints, known = read_endpoints(home), home.secrets()
    if TokenFile(home.token_file)()[0] != known.token:
        raise SettingsError(
            "This home's token comes from DCM2SET_TOKEN or DCM2SET_TOKEN_FILE: change it there."
        )
    lock = FileLock(home.folder / "rotation.lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        raise SettingsError("The token of this home is being rotated already.") from None
    with held:
        token = secrets.token_urlsafe(32)
        write_tokens(home, [token, *TokenFile(home.token_file)()])
        home.keep(replace(known, token=token))
        write_private(home.endpoints, endpoints | {"token": token})
        tell("The functions accept the new token, and the sweep, the timers and endpoints.json have it.")
        write_minio_environment(home, known, token)
        _restart_minio(endpoints["minio"])
        tell(f"MinIO sends the new token. The old one ends in {overlap:g} s.")
        time.sleep(overlap)
        write_tokens(home, [token])
        tell("The old token is refused.")


def _restart_minio(told: dict[str, Any]) -> None:
    """Start MinIO again in its own process, and wait until the new one answers."""
    # A kept connection ends with the old server: whatever answers after that is the new one.
    kept = HTTPConnection(told["endpoint"], timeout=_RESTART_SECONDS)
    try:
        kept.request("GET", _READY)
        kept.getresponse().read()
        provider = StaticProvider(told["access_key"], told["secret_key"])
        admin = MinioAdmin(
            endpoint=told["endpoint"], credentials=provider, secure=told["secure"], region="us-east-1"
        )
        admin.service_restart()
        _wait_for_end(kept.sock)
        deadline = time.monotonic() + _RESTART_SECONDS
        while not _is_ready(told["endpoint"]):
            if time.monotonic() > deadline:
                raise DependencyAwayError("MinIO did not come back; see its log, then rotate again.")
            time.sleep(0.02)
    except (OSError, HTTPException, MinioException):
        raise DependencyAwayError(
            "MinIO could not be started again; both tokens count until it was."
        ) from None
    finally:
        kept.close()


def _wait_for_end(kept: socket.socket) -> None:
    with suppress(ConnectionError):
        while kept.recv(1):
            pass


def _is_ready(endpoint: str) -> bool:
    fresh = HTTPConnection(endpoint, timeout=5)
    try:
        fresh.request("GET", _READY)
        return fresh.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        fresh.close()
