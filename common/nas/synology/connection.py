"""Requests to a DSM: one connection pool, limits on time and size, and no secrets in URLs."""

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

from common.complete_responses import CompleteResponses
from common.errors import DependencyAwayError, SettingsError
from common.nas.synology.errors import BUSY, code_of

# urllib3 logs URLs and host names, requests logs redirects; paths in File Station may name patients.
for _name in ("urllib3", "requests", "charset_normalizer"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
_MAX_ANSWER_BYTES = 64 * 1024 * 1024  # a listing needs about 300 bytes for each file
_HEADERS = {"Accept-Encoding": "identity", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Answer:
    """One answer of DSM in JSON."""

    body: Mapping[str, Any]
    time: datetime | None  # of the answer, by the clock of the NAS

    @property
    def code(self) -> int:
        """DSM's error number; 0 for success."""
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
        self.seconds = seconds  # limit without a byte, and for a complete answer except downloads
        self._waits = waits  # seconds between the tries of a request that fails temporarily
        self.pool = CompleteResponses(
            maxsize=connections,
            timeout=urllib3.Timeout(connect=min(seconds, 10), read=seconds),
            retries=False,
            ssl_context=_context(ca_file) if secure else None,
        )
        shown = f"[{host}]" if ":" in host else host
        self._base = f"{'https' if secure else 'http'}://{shown}:{port}/webapi/"

    def request(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a request and return DSM's answer; after a temporary failure try again a few times.

        Only for requests that may be sent twice. Raises DependencyAwayError.
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

    def request_once(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a request once, because the caller must check the effect before it sends it again."""
        return self._answer(path, fields)

    def open(self, path: str, fields: Mapping[str, str]) -> BaseHTTPResponse:
        """Send a request and return the response before its body is read; the caller closes it."""
        with nas_errors():
            body = urlencode(fields)
            response = self.pool.urlopen(
                "POST", self._base + path, body=body, headers=_HEADERS, redirect=False, preload_content=False
            )
        if response.status != 200:
            response.close()
            raise DependencyAwayError(f"The NAS answered with HTTP status {response.status}.")
        return response

    def parse_answer(self, response: BaseHTTPResponse) -> Answer:
        """Read a response as an answer of DSM, and close it."""
        try:
            body = json.loads(self.read_body(response))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise DependencyAwayError(
                "The NAS answered with something that isn't DSM's; see DCM2SET_NAS_URL."
            )
        return Answer(body, _time(response))

    def read_body(self, response: BaseHTTPResponse) -> bytes:
        """Read the body of a response within the limits on size and time, and close it."""
        deadline, body = time.monotonic() + self.seconds, bytearray()
        try:
            with nas_errors():
                while piece := response.read1(1024 * 1024):
                    body += piece
                    if time.monotonic() > deadline or len(body) > _MAX_ANSWER_BYTES:
                        raise DependencyAwayError("An answer of the NAS is too long or takes too long.")
        finally:
            response.close()
        return bytes(body)

    def _answer(self, path: str, fields: Mapping[str, str]) -> Answer:
        return self.parse_answer(self.open(path, fields))


@contextmanager
def nas_errors() -> Iterator[None]:
    """Turn errors of urllib3 and sockets into DependencyAwayError."""
    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise no_answer(error) from None


def no_answer(error: Exception) -> DependencyAwayError:
    """The DependencyAwayError for an error, without its text, which may quote the request."""
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
