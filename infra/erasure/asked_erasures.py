"""Carrying out the erasures that were asked for, with the operator's keys; one at a time, wherever it runs.

A request that was killed in the middle is found as running by the next one who has the lock, and is tried
again: an erasure can be interrupted anywhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import urllib3
from psycopg.rows import DictRow, class_row, dict_row
from psycopg.types.json import Jsonb

from common.database import connect, queries
from common.errors import PermanentError, PipelineError, TransientError
from common.store.minio_store import MinioStore
from infra.erasure.erase import erase_patient
from oversight.audit.audit_log import AuditEvent, record
from oversight.erasure.erasure import Erasure
from oversight.erasure.requests import ErasureRequest

_SQL = queries(Path(__file__).with_suffix(".sql"))
_CHECK_SECONDS = 3.0  # between two looks for what is due
_PAUSE_SECONDS = 30.0  # after an attempt that failed
_CLAIMS_SECONDS = 60.0  # for work that was claimed before; then the page tells that it is waited for
_SHELL_CLAIMS_SECONDS = 600.0
_TEMPORARY = (TransientError, psycopg.OperationalError, urllib3.exceptions.HTTPError)


@dataclass(frozen=True)
class Attempt:
    """One attempt to carry out a request."""

    request: ErasureRequest
    erasure: Erasure  # what was found up to now
    cause: str | None  # why it is not carried out; None: it is
    is_temporary: bool = False  # it is tried again

    @property
    def text(self) -> str:
        """The attempt as one line; it names no patient."""
        if self.cause is not None:
            return f"Erasure {self.request.id} {'waits' if self.is_temporary else 'failed'}: {self.cause}"
        left = "" if self.erasure.is_complete else "; something is left, see dcm2set erasures"
        return f"Erasure {self.request.id} is done{left}."


def carry_out_due(
    url: str, store: MinioStore, *, undo_seconds: float, pause_seconds: float = _PAUSE_SECONDS
) -> Iterator[Attempt]:
    """Carry out the requests that can no longer be withdrawn, one after the other; yields each attempt.

    What failed temporarily is tried again after `pause_seconds`. Nothing is done while another process
    carries out requests. Raises psycopg.OperationalError if the database does not answer.
    """
    with connect(url, row_factory=dict_row) as holder:
        yield from _attempts(holder, url, store, {"undo": undo_seconds, "pause": pause_seconds})


def _attempts(
    holder: psycopg.Connection[DictRow], url: str, store: MinioStore, values: dict[str, float]
) -> Iterator[Attempt]:
    """Carry out what is due; `holder` has the lock for one transaction, so that nobody else does."""
    with holder.transaction():
        numbers = [row["id"] for row in holder.execute(_SQL["due"], values)]
        row = holder.execute(_SQL["try_lock"]).fetchone() if numbers else None
        if row is None or not row["is_mine"]:
            return
        for number in numbers:
            if attempt := _attempt(url, store, number, _CLAIMS_SECONDS):
                yield attempt


def erase_now(url: str, store: MinioStore, patient: str, *, who: str, why: str) -> Attempt:
    """Ask in the shell for the erasure of a patient, and carry it out at once."""
    with connect(url, row_factory=dict_row) as connection:
        row = connection.execute(_SQL["ask"], {"patient": patient, "who": who, "why": why}).fetchone()
        assert row is not None  # noqa: S101 it returns the row that was there, too
        details = {"erasure": row["id"]}
        record(connection, AuditEvent(who, "shell", "ask erasure", why=why, details=details))
    with connect(url) as holder:
        holder.execute(_SQL["lock"])
        attempt = _attempt(url, store, row["id"], _SHELL_CLAIMS_SECONDS)
    if attempt is None:  # another process carried it out while this one waited for the lock
        return erase_now(url, store, patient, who=who, why=why)
    return attempt


@contextmanager
def erasing_when_asked(
    url: str, store: MinioStore, *, undo_seconds: float, say: Callable[[str], None]
) -> Iterator[None]:
    """Carry out requests in a thread until the end of the block, which does not wait for it.

    An erasure that is cut off goes on after the next start.
    """
    ended = Event()
    arguments = (url, store, undo_seconds, say, ended)
    Thread(target=_work, args=arguments, name="erasures", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _work(url: str, store: MinioStore, undo_seconds: float, say: Callable[[str], None], ended: Event) -> None:
    told: dict[int, str] = {}  # the last line about each request
    values = {"undo": undo_seconds, "pause": _PAUSE_SECONDS}

    def look(holder: psycopg.Connection[DictRow]) -> None:
        for attempt in _attempts(holder, url, store, values):
            if ended.is_set():
                return
            if told.get(attempt.request.id) != attempt.text:
                say(attempt.text)
            told[attempt.request.id] = attempt.text

    while not ended.is_set():
        # One connection for all looks, because a new one costs much more than a look.
        with suppress(PipelineError, psycopg.Error), connect(url, row_factory=dict_row) as holder:
            while not ended.wait(_CHECK_SECONDS):
                look(holder)
        ended.wait(_CHECK_SECONDS)  # the database is away; then there is a new connection


def _attempt(url: str, store: MinioStore, number: int, seconds: float) -> Attempt | None:
    """Carry out one request, while the caller has the lock; None if it was withdrawn or carried out."""
    with connect(url, autocommit=True) as connection:
        request = _begun(connection, number)
        if request is None:
            return None
        erasure = request.erasure or Erasure(request.patient_id)
        try:
            erase_patient(url, store, erasure, who=request.who, why=request.why, seconds=seconds)
            attempt = Attempt(request, erasure, None)
        except _TEMPORARY as error:
            attempt = Attempt(request, erasure, _cause(error), is_temporary=True)
        except Exception as error:  # noqa: BLE001 a request that fails must not keep the others waiting
            attempt = Attempt(request, erasure, _cause(error))
        _end(connection, attempt)
    return attempt


def _begun(connection: psycopg.Connection[Any], number: int) -> ErasureRequest | None:
    """Begin an attempt; the audit has one row for all attempts."""
    with connection.transaction():
        rows = connection.cursor(row_factory=class_row(ErasureRequest))
        request = rows.execute(_SQL["begin"], {"id": number}).fetchone()
        if request is not None and request.attempts == 1:
            details = {"erasure": request.id}
            event = AuditEvent(request.who, request.via, "erase", why=request.why, details=details)
            record(connection, event)
    return request


def _end(connection: psycopg.Connection[Any], attempt: Attempt) -> None:
    state = "done" if attempt.cause is None else "waiting" if attempt.is_temporary else "failed"
    values = {
        "id": attempt.request.id,
        "state": state,
        "outcome": Jsonb(attempt.erasure.stored()),
        "cause": attempt.cause,
    }
    connection.execute(_SQL["end"], values)


def _cause(error: Exception) -> str:
    """Why an attempt ended; the text of another error than ours may quote a value."""
    if isinstance(error, TransientError | PermanentError):
        return str(error)
    if isinstance(error, psycopg.OperationalError):
        return "The database does not answer."
    if isinstance(error, urllib3.exceptions.HTTPError):
        return "The object store does not answer."
    return f"Unexpected {type(error).__name__}."
