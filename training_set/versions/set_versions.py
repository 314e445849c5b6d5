"""The rows of frozen versions: their numbers, and the split of every patient."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from common.database import queries
from common.errors import PermanentError

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class SetVersion:
    """The row of a version."""

    number: int  # from 1
    query: str  # the whole selection
    options: dict[str, Any]
    digest: str  # SHA-256 of what is frozen, in hex
    counts: dict[str, Any]
    created_at: datetime  # aware, in whole seconds


@dataclass(frozen=True)
class Assigned:
    """Where a patient was put."""

    split: str
    first: int  # version


@contextmanager
def locked(connection: psycopg.Connection[Any], name: str) -> Iterator[None]:
    """One transaction on one snapshot, with the name to oneself."""
    connection.execute(_SQL["lock"], {"name": name})
    connection.commit()
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            yield
    finally:
        connection.isolation_level = None
        connection.execute(_SQL["unlock"], {"name": name})
        connection.commit()


def find_version(
    connection: psycopg.Connection[Any], name: str, number: int | None = None
) -> SetVersion | None:
    """A version of a set, or its last; None if there is none such."""
    rows = connection.cursor(row_factory=class_row(SetVersion))
    return rows.execute(_SQL["version"], {"name": name, "number": number}).fetchone()


def known_version(connection: psycopg.Connection[Any], name: str, number: int | None = None) -> SetVersion:
    """The same; PermanentError if there is none such."""
    found = find_version(connection, name, number)
    if found is None:
        which = f"version {number} of it" if number is not None else "version of it"
        raise PermanentError(f"{name}: there is no {which}.")
    return found


def assigned_patients(connection: psycopg.Connection[Any], name: str) -> dict[str, Assigned]:
    """Every patient that was in any version."""
    found = connection.execute(_SQL["assigned"], {"name": name})
    return {patient: Assigned(split, first) for patient, split, first in found}


def time_now(connection: psycopg.Connection[Any]) -> datetime:
    """The database's time, in whole seconds."""
    row = connection.execute(_SQL["now"]).fetchone()
    return row[0]  # type: ignore[index,no-any-return] # one row always


def insert_version(
    connection: psycopg.Connection[Any],
    name: str,
    version: SetVersion,
    splits: Iterable[tuple[str, str]],
) -> None:
    """The row of a new version, and its patients with their splits."""
    values = vars(version) | {"options": Jsonb(version.options), "counts": Jsonb(version.counts)}
    row = connection.execute(_SQL["insert_version"], values | {"name": name}).fetchone()
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_patients"]) as copy:
        for patient, split in splits:
            copy.write_row((row[0], patient, split))  # type: ignore[index]
