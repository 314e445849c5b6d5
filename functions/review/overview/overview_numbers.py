"""The numbers of the overview, from one snapshot of the database."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries
from oversight.drift.newest_week import read_drift

_SQL = queries(Path(__file__).with_suffix(".sql"))


def read_overview(connection: psycopg.Connection[DictRow]) -> dict[str, Any]:
    """Balance, functions with failures first, arrivals by hour, what is set aside, newest buckets, drift."""
    return {
        "balance": connection.execute(_SQL["balance"]).fetchone() or {},
        "functions": connection.execute(_SQL["functions"]).fetchall(),
        "arrivals": connection.execute(_SQL["arrivals"]).fetchall(),
        "aside": connection.execute(_SQL["aside"]).fetchall(),
        "buckets": connection.execute(_SQL["buckets"]).fetchall(),
        "drift": [drift.text for drift in read_drift(connection) if drift.findings],
    }
