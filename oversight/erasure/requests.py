"""Erasures that are asked for: on the page, where they can be withdrawn for some seconds, and in the shell.

Whoever has the operator's keys carries them out (`infra/erasure/asked_erasures.py`): the page has no right to
delete anything.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from common.database import queries
from common.errors import ConflictError, PermanentError
from oversight.audit.audit_log import AuditEvent, Via, record
from oversight.erasure.erasure import Erasure

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 20  # requests of one page of the list
PSEUDONYM = re.compile("P[0-9a-f]{20}")
EXPECTED = "A pseudonym is P and 20 digits of 0-9 and a-f, as dcm2set pseudonym prints it."


@dataclass(frozen=True)
class ErasureRequest:
    """An erasure that was asked for."""

    id: int
    patient_id: str  # the pseudonym
    via: Via
    who: str
    why: str
    asked_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    state: str  # waiting, running, done, failed
    attempts: int
    finished_at: datetime | None
    outcome: dict[str, Any] | None  # Erasure.stored
    cause: str | None  # why it waits still, or failed

    @property
    def shown_state(self) -> str:
        """The state as persons read it."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "not complete" if self.state == "done" and not self.is_complete else self.state

    @property
    def may_be_withdrawn(self) -> bool:
        """Whether nothing was done yet."""
        return self.state == "waiting" and self.attempts == 0 and self.withdrawn_at is None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be carried out."""
        return self.state in {"waiting", "running"} and self.withdrawn_at is None

    @property
    def erasure(self) -> Erasure | None:
        """What was found, as far as it was carried out."""
        return None if self.outcome is None else Erasure.of(self.patient_id, self.outcome)

    @property
    def is_complete(self) -> bool:
        """Whether it was carried out, and nothing of the patient is left in the object store."""
        return self.state == "done" and self.erasure is not None and self.erasure.is_complete


def ask(connection: psycopg.Connection[Any], patient: str, *, who: str, why: str) -> int:
    """Ask on the page for the erasure of a patient, by pseudonym; returns the number of the request.

    Raises ConflictError if the erasure of this patient is asked for already.
    """
    try:
        row = _one(connection, "ask", {"patient": patient, "who": who, "why": why})
    except psycopg.errors.CheckViolation:
        raise PermanentError(EXPECTED) from None
    if row is None:
        connection.rollback()
        raise ConflictError("The erasure of this patient is asked for already.")
    record(connection, AuditEvent(who, "page", "ask erasure", why=why, details={"erasure": row["id"]}))
    connection.commit()
    return int(row["id"])


def withdraw(connection: psycopg.Connection[Any], number: int, *, who: str) -> bool:
    """Withdraw a request on the page; False if it is being carried out already, or is withdrawn."""
    done = connection.execute(_SQL["withdraw"], {"id": number, "who": who}).rowcount > 0
    if done:
        record(connection, AuditEvent(who, "page", "withdraw erasure", details={"erasure": number}))
    connection.commit()
    return done


def listed(
    connection: psycopg.Connection[Any], *, before: int | None = None, most: int = PAGE
) -> list[ErasureRequest]:
    """The requests before a number, the newest first."""
    rows = connection.cursor(row_factory=class_row(ErasureRequest))
    return rows.execute(_SQL["listed"], {"before": before, "most": most}).fetchall()


def unfinished(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How many patients wait for their erasure, and whose last one failed or left something."""
    return _one(connection, "unfinished", {}) or {}


def _one(connection: psycopg.Connection[Any], query: str, values: dict[str, Any]) -> dict[str, Any] | None:
    return connection.cursor(row_factory=dict_row).execute(_SQL[query], values).fetchone()
