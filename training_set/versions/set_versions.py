"""Rows of frozen versions and of their patients' splits."""

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
from training_set.splits.patient_splits import AssignedSplit

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class SetVersion:
    """The row of a version."""

    number: int  # from 1
    query: str  # the complete selection with its defaults
    options: dict[str, Any]
    digest: str  # SHA-256 of the frozen contents in hex
    counts: dict[str, Any]
    created_at: datetime  # aware, in whole seconds


@contextmanager
def locked(connection: psycopg.Connection[Any], name: str) -> Iterator[None]:
    """Run the block in one transaction on one snapshot, with an exclusive lock on the name."""
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
    """Return a version of a training set, by default the last one; None if it doesn't exist."""
    rows = connection.cursor(row_factory=class_row(SetVersion))
    return rows.execute(_SQL["version"], {"name": name, "number": number}).fetchone()


def get_version(connection: psycopg.Connection[Any], name: str, number: int | None = None) -> SetVersion:
    """Return a version of a training set, by default the last one; PermanentError if it doesn't exist."""
    found = find_version(connection, name, number)
    if found is None:
        version = "version" if number is None else f"version {number}"
        raise PermanentError(f"The training set {name} has no {version}.")
    return found


def assigned_patients(connection: psycopg.Connection[Any], name: str) -> dict[str, AssignedSplit]:
    """Return the split of every patient that was in any version, by pseudonym."""
    rows = connection.execute(_SQL["assigned"], {"name": name})
    return {patient: AssignedSplit(split, first_version) for patient, split, first_version in rows}


def assigned_folds(connection: psycopg.Connection[Any], name: str, folds: int) -> dict[str, int]:
    """Return the fold of every patient that was in any version with so many folds, by pseudonym."""
    rows = connection.execute(_SQL["assigned_folds"], {"name": name, "folds": folds})
    return dict(iter(rows))


def time_now(connection: psycopg.Connection[Any]) -> datetime:
    """Return the database's time in whole seconds."""
    row = connection.execute(_SQL["now"]).fetchone()
    return row[0]  # type: ignore[index,no-any-return] # the query always returns one row


def insert_version(
    connection: psycopg.Connection[Any],
    name: str,
    version: SetVersion,
    splits: Iterable[tuple[str, str, int | None]],
) -> None:
    """Insert the row of a new version and its patients with their splits and folds."""
    values = vars(version) | {"options": Jsonb(version.options), "counts": Jsonb(version.counts)}
    row = connection.execute(_SQL["insert_version"], values | {"name": name}).fetchone()
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_patients"]) as copy:
        for patient, split, fold in splits:
            copy.write_row((row[0], patient, split, fold))  # type: ignore[index]
