"""Requests to DSM's File Station, with a new login when the session has ended."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO, TypeVar, cast

from urllib3.response import BaseHTTPResponse

from common.errors import DependencyAwayError, SettingsError
from common.nas.synology.checked_download import checked_download
from common.nas.synology.connection import Answer, Connection, nas_errors
from common.nas.synology.errors import EXPIRED, NOT_OFFERED, request_refused
from common.nas.synology.login import DsmSession, Login

_PATH = "entry.cgi"
_VERSION = "2"  # of every API used here, since DSM 6
_CHUNK = 256 * 1024
_LEAST_RATE = 64 * 1024  # bytes a second; a slower download is ended
Result = TypeVar("Result")


class FileStation:
    """The File Station for one account; safe to share between threads."""

    def __init__(self, connection: Connection, login: Login) -> None:
        self._connection = connection
        self._login = login
        self.clock: datetime | None = None  # the time of the last answer, by the clock of the NAS

    def query(self, method: str, **values: object) -> dict[str, Any]:
        """The data that a method of SYNO.FileStation.List answers."""
        answer = self._asked("List", method, values)
        if answer.code:
            raise request_refused(answer.code)
        self.clock = answer.time or self.clock
        return _data(answer)

    def start_md5(self, path: str) -> str:
        """Let DSM compute the MD5 of a file; returns the task's id."""
        with expected_form():
            return str(self._md5_task("start", file_path=path)["taskid"])

    def md5_of(self, task: str) -> str | None:
        """The MD5 that a task computed; None while it runs."""
        with expected_form():
            data = self._md5_task("status", taskid=task)
            return str(data["md5"]) if data["finished"] else None

    def stop_md5(self, task: str) -> None:
        """End a task."""
        self._asked("MD5", "stop", {"taskid": task})

    def _md5_task(self, method: str, **values: object) -> dict[str, Any]:
        answer = self._asked("MD5", method, values)
        if answer.code in NOT_OFFERED:
            raise SettingsError(
                f"The NAS offers no MD5 of files (DSM error {answer.code}): set DCM2SET_NAS_CHECK_MD5=false."
            )
        if answer.code:
            raise request_refused(answer.code)
        return _data(answer)

    def _asked(self, api: str, method: str, values: dict[str, object]) -> Answer:
        """The answer to a request that may be sent twice."""

        def make(session: DsmSession) -> Answer:
            return self._connection.request(_PATH, _fields(session, api, method, values))

        return self._in_session(make)

    def change(self, api: str, method: str, **values: object) -> int:
        """Send a request that changes something; returns DSM's error number."""

        def make(session: DsmSession) -> Answer:
            return self._connection.request_once(_PATH, _fields(session, api, method, values))

        return self._in_session(make).code

    def download(self, path: str) -> BinaryIO:
        """A file's content."""

        def make(session: DsmSession) -> BaseHTTPResponse | Answer:
            values: dict[str, object] = {"path": [path], "mode": "download"}
            response = self._connection.open(_PATH, _fields(session, "Download", "download", values))
            return response if _is_file(response) else self._connection.parse_answer(response)

        found = self._in_session(make)
        if isinstance(found, Answer):
            raise request_refused(found.code or 100)
        return cast("BinaryIO", _Download(found, seconds=self._connection.seconds))

    def checked_download(self, path: str) -> BinaryIO:
        """A file's content, compared with DSM's MD5 when its end is read."""
        return checked_download(self, self.download, path, seconds=self._connection.seconds)

    def device_id(self) -> str | None:
        """The device id that replaces the one-time code, if DSM gave one at the login."""
        return self._login.session().device_id

    def close(self) -> None:
        """Log out, and close the connections."""
        try:
            self._login.end()
        finally:
            self._connection.pool.clear()

    def _in_session(self, request: Callable[[DsmSession], Result]) -> Result:
        """Send a request; if the session has expired, log in again once and repeat it."""
        session = self._login.session()
        result = request(session)
        if isinstance(result, Answer) and result.code in EXPIRED:
            result = request(self._login.renew(session))
            if isinstance(result, Answer) and result.code in EXPIRED:
                raise DependencyAwayError(f"The NAS ends each session immediately (DSM error {result.code}).")
        return result


class _Download(io.RawIOBase):
    """A file as a stream; reading raises DependencyAwayError if the NAS is too slow or stops early."""

    def __init__(self, response: BaseHTTPResponse, *, seconds: float) -> None:
        self._response = response
        size = response.length_remaining or 0
        self._deadline = time.monotonic() + seconds + size / _LEAST_RATE

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        pieces, bytes_left = [], size
        while bytes_left and (piece := self._piece(bytes_left)):
            pieces.append(piece)
            bytes_left -= len(piece)
        return b"".join(pieces)

    def _piece(self, limit: int) -> bytes:
        if time.monotonic() > self._deadline:
            raise DependencyAwayError("The NAS sends a file too slowly; the next poll copies it again.")
        with nas_errors():
            return self._response.read1(limit if limit > 0 else _CHUNK)

    def close(self) -> None:
        self._response.close()
        super().close()


def _data(answer: Answer) -> dict[str, Any]:
    data = answer.body.get("data")
    if not isinstance(data, dict):
        raise DependencyAwayError("The NAS answered without data.")
    return data


def _is_file(response: BaseHTTPResponse) -> bool:
    """Whether the body is a file; DSM's errors have status 200 too, but are JSON or text."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    disposition = response.headers.get("Content-Disposition", "").lower()
    return disposition.startswith("attachment") or kind == "application/octet-stream"


def _fields(session: DsmSession, api: str, method: str, values: dict[str, object]) -> dict[str, str]:
    named = {"api": f"SYNO.FileStation.{api}", "version": _VERSION, "method": method}
    coded = {name: json.dumps(value) for name, value in values.items()}
    return named | coded | {"_sid": session.sid, "SynoToken": session.token}


@contextmanager
def expected_form() -> Iterator[None]:
    """Turn errors about the form of an answer into DependencyAwayError, without text of the answer."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise DependencyAwayError(
            f"The NAS answered in an unexpected form ({type(error).__name__})."
        ) from None
