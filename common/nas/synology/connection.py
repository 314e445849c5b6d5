"""Requests to a DSM: one pool of connections, limits of time and size, nothing secret in a URL."""

import json
import logging
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.response import BaseHTTPResponse

from common.errors import DependencyAwayError, SettingsError
from common.http.complete_responses import CompleteResponses
from common.nas.synology.errors import BUSY, code_of

# urllib3 logs URLs and host names, requests what it redirects; File Station paths name patients.
for _name in ("urllib3", "requests", "charset_normalizer"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
_MOST_ANSWER_BYTES = 64 * 1024 * 1024  # a page of a listing is about 300 bytes a file
_HEADERS = {"Accept-Encoding": "identity", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Answer:
    """One answer of DSM."""

    body: Mapping[str, Any]
    time: datetime | None  # when, by the clock of the NAS

    @property
    def code(self) -> int:
        """DSM's error number; 0 if it did what was asked."""
        return code_of(self.body)


class Connection:
    """Requests to one DSM; safe to share between threads."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        secure: bool,
        ca_file: Path | None = None,
        seconds: float = 60,
        connections: int = 8,
        waits: tuple[float, ...] = (0.5, 2.0),
    ) -> None:
        self.host, self.port, self.secure = host, port, secure
        self.seconds = seconds  # without a byte; and for a whole answer, downloads apart
        self._waits = waits  # between tries of what may pass
        self.pool = CompleteResponses(
            maxsize=connections,
            timeout=urllib3.Timeout(connect=min(seconds, 10), read=seconds),
            retries=False,
            ssl_context=_context(ca_file) if secure else None,
        )
        shown = f"[{host}]" if ":" in host else host
        self._base = f"{'https' if secure else 'http'}://{shown}:{port}/webapi/"

    def ask(self, path: str, fields: Mapping[str, str]) -> Answer:
        """An answer of DSM; what may pass by itself is tried again a few times.

        Only for requests that may be made twice. Raises DependencyAwayError.
        """
        for wait in self._waits:
            try:
                answer = self._answer(path, fields)
            except DependencyAwayError:
                pass
            else:
                if answer.code not in BUSY:
                    return answer
            time.sleep(wait)
        return self._answer(path, fields)

    def ask_once(self, path: str, fields: Mapping[str, str]) -> Answer:
        """An answer of DSM to a request that may not be made twice without a look in between."""
        return self._answer(path, fields)

    def open(self, path: str, fields: Mapping[str, str]) -> BaseHTTPResponse:
        """A response whose body is still to be read; the caller closes it."""
        with nas_errors():
            body = urlencode(fields)
            response = self.pool.urlopen(
                "POST", self._base + path, body=body, headers=_HEADERS, redirect=False, preload_content=False
            )
        if response.status != 200:
            response.close()
            raise DependencyAwayError(f"The NAS answered with HTTP status {response.status}.")
        return response

    def answer_of(self, response: BaseHTTPResponse) -> Answer:
        """A response read as an answer of DSM; it is closed."""
        try:
            body = json.loads(self.whole(response))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise DependencyAwayError(
                "The NAS answered with something that isn't DSM's; see DCM2SET_NAS_URL."
            )
        return Answer(body, _time(response))

    def whole(self, response: BaseHTTPResponse) -> bytes:
        """A response's body, within the limits of size and time; it is closed."""
        deadline, body = time.monotonic() + self.seconds, bytearray()
        try:
            with nas_errors():
                while piece := response.read1(1024 * 1024):
                    body += piece
                    if time.monotonic() > deadline or len(body) > _MOST_ANSWER_BYTES:
                        raise DependencyAwayError("The NAS does not come to the end of an answer.")
        finally:
            response.close()
        return bytes(body)

    def _answer(self, path: str, fields: Mapping[str, str]) -> Answer:
        return self.answer_of(self.open(path, fields))


@contextmanager
def nas_errors() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise no_answer(error) from None


def no_answer(error: Exception) -> DependencyAwayError:
    """The driver's errors name addresses, and may quote what was sent; none of that is passed on."""
    if isinstance(error, urllib3.exceptions.SSLError):
        return DependencyAwayError(
            "The NAS's certificate isn't trusted; name the hospital's own CA in DCM2SET_NAS_CA_FILE."
        )
    return DependencyAwayError(f"The NAS does not answer ({type(error).__name__}); see DCM2SET_NAS_URL.")


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise SettingsError("DCM2SET_NAS_CA_FILE can't be read as a PEM file of certificates.") from None


def _time(response: BaseHTTPResponse) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return None
