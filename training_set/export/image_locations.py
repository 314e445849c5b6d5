"""Find the current locations of frozen images, and those that are gone or were drawn again."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from common.database import queries
from training_set.export.image_files import ERASED, GONE, REDRAWN
from training_set.selection.image_columns import INTEGER, TEXT
from training_set.selection.image_rows import read_csv
from training_set.versions.freeze import FrozenVersion

_SQL = queries(Path(__file__).with_suffix(".sql"))
_CURRENT = {
    "sop_instance_uid": TEXT,
    "frame": INTEGER,
    "sha256": TEXT,
    "bucket": TEXT,
    "is_erased": pa.bool_(),
}


@dataclass(frozen=True)
class ImageLocations:
    """The current state of a version's images."""

    buckets: dict[str, str]  # by key, for images that are unchanged
    missing: dict[str, str]  # cause by key, for all other images


def image_locations(connection: psycopg.Connection[Any], version: FrozenVersion) -> ImageLocations:
    """Return the locations of a version's images, of an earlier version from the database."""
    if version.buckets is None:
        return current_locations(connection, version.frozen.table)
    keys = version.frozen.table["key"].to_pylist()
    return ImageLocations({key: version.buckets[key] for key in keys}, {})


def current_locations(connection: psycopg.Connection[Any], table: pa.Table) -> ImageLocations:
    """Look up the current locations in the database."""
    wanted = table.select(["sop_instance_uid", "frame", "patient_id"])
    with connection.transaction():
        connection.execute(_SQL["create_wanted_image"])
        with connection.cursor() as cursor, cursor.copy(_SQL["copy_wanted_images"]) as copy:
            buffer = io.BytesIO()
            csv.write_csv(wanted, buffer, csv.WriteOptions(include_header=False))
            copy.write(buffer.getvalue())
        buffer = io.BytesIO()
        with connection.cursor() as cursor, cursor.copy(_SQL["copy_current_images"]) as copy:
            for block in copy:
                buffer.write(block)
    current = read_csv(buffer, _CURRENT)
    frozen = table.select(["sop_instance_uid", "frame", "key", "sha256"])
    both = frozen.join(current, ["sop_instance_uid", "frame"], right_suffix="_now").sort_by("key")
    is_same = pc.fill_null(pc.equal(both["sha256"], both["sha256_now"]), fill_value=False).to_numpy()
    unchanged = both.filter(pa.array(is_same))
    buckets = dict(zip(unchanged["key"].to_pylist(), unchanged["bucket"].to_pylist(), strict=True))
    others = (
        both.filter(pa.array(np.logical_not(is_same))).select(["key", "sha256_now", "is_erased"]).to_pylist()
    )
    return ImageLocations(buckets, {row["key"]: _cause(row) for row in others})


def _cause(row: dict[str, Any]) -> str:
    if row["is_erased"]:
        return ERASED
    return GONE if row["sha256_now"] is None else REDRAWN
