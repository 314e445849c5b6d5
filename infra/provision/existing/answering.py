"""Waits for servers that are still starting, and tells them from servers that refuse us."""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
import urllib3
from minio.error import MinioAdminException

from common.errors import DependencyAwayError, SettingsError

Answer = TypeVar("Answer")
_PAUSE_SECONDS = 0.5
_REFUSED_DATABASE = ("authentication failed", "does not exist", "no pg_hba.conf entry", "certificate")
_REFUSED_STORE = {
    "InvalidAccessKeyId": "does not know the user in DCM2SET_MINIO_ACCESS_KEY",
    "SignatureDoesNotMatch": "refuses the password in DCM2SET_MINIO_SECRET_KEY",
    "AccessDenied": "does not let the user in DCM2SET_MINIO_ACCESS_KEY create users",
}


def answer_of(request: Callable[[], Answer], *, deadline: float) -> Answer:
    """What the request returns, as soon as its server answers; `deadline` is of the monotonic clock.

    Raises SettingsError at once if the server refuses us, DependencyAwayError at the deadline.
    """
    while True:
        try:
            return request()
        except (psycopg.Error, MinioAdminException, urllib3.exceptions.HTTPError) as error:
            cause = _away(error)
        if time.monotonic() > deadline:
            raise DependencyAwayError(cause)
        time.sleep(_PAUSE_SECONDS)


def _away(error: Exception) -> str:
    """What to say if the server stays away; raises SettingsError if waiting does not help."""
    text = str(error)
    if isinstance(error, psycopg.OperationalError):
        for found in _REFUSED_DATABASE:
            if found in text:
                raise SettingsError(f"The database refuses us ({found}); see DATABASE_URL.") from None
        return "The database does not answer; see DATABASE_URL."
    if isinstance(error, psycopg.Error):
        raise SettingsError(f"The database could not be set up ({type(error).__name__}).") from None
    for code, sentence in _REFUSED_STORE.items():
        if code in text:
            raise SettingsError(f"The object store {sentence}.") from None
    if "StorageFull" in text:
        return "The object store is full: its disk needs room."
    return "The object store does not answer; see DCM2SET_MINIO_ENDPOINT."
