"""Deleting all rows of single instances, in the order of an erasure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from common.database import queries

_SQL = queries(Path(__file__).with_name("erase.sql"))
INSTANCE_TABLES = (  # in the order that foreign keys require
    *("label", "label_answer", "overruling", "verdict", "image", "instance"),
    *("image_allocation", "extraction"),
)


def delete_instances(connection: psycopg.Connection[Any], instances: Sequence[str]) -> None:
    """Delete the rows of instances, by pseudonymous UID; rows of their series, study and patient stay."""
    for table in INSTANCE_TABLES:
        connection.execute(_SQL[f"delete_{table}"], {"instances": list(instances)})
