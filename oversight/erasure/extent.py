"""Whose file an item is, and what an erasure of that patient would remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Extent:
    """What there is of a patient now."""

    files: int
    images: int
    labels: int
    frozen_sets: tuple[str, ...]  # they hold the patient, and are not changed
    backups: int  # they may hold the patient, and are not changed
    newest_backup: datetime | None


def extent_of(connection: psycopg.Connection[DictRow], patient: str) -> Extent:
    """Count what an erasure would remove, by pseudonym."""
    row: dict[str, Any] = connection.execute(_SQL["extent"], {"patient": patient}).fetchone() or {}
    sets = connection.execute(_SQL["frozen_sets"], {"patient": patient}).fetchall()
    return Extent(**row, frozen_sets=tuple(f"{each['name']} v{each['number']}" for each in sets))


def patient_of(connection: psycopg.Connection[DictRow], item: int) -> str | None:
    """The pseudonym of the patient of an item; None if it is not known, or erased."""
    row = connection.execute(_SQL["patient"], {"item": item}).fetchone()
    return None if row is None else str(row["patient_id"])


def one_item_of_each_patient(connection: psycopg.Connection[DictRow], items: Sequence[int]) -> list[int]:
    """One of the items for each patient that they belong to."""
    rows = connection.execute(_SQL["items_of_patients"], {"items": list(items)}).fetchall()
    return [int(row["id"]) for row in rows]
