"""Where frozen images lie by now, and which of them are gone or were drawn again."""

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
from training_set.selection.image_columns import TEXT, WHOLE
from training_set.selection.image_rows import read_csv

_SQL = queries(Path(__file__).with_suffix(".sql"))
_FOUND = {"sop_instance_uid": TEXT, "frame": WHOLE, "sha256": TEXT, "bucket": TEXT, "is_erased": pa.bool_()}


@dataclass(frozen=True)
class ImagePlaces:
    """What became of the images of a version."""

    buckets: dict[str, str]  # by key, of those that are as they were
    missing: dict[str, str]  # cause by key, of those that are not


def frozen_places(table: pa.Table) -> ImagePlaces:
    """As they were when the version was frozen."""
    keys, buckets = table["key"].to_pylist(), table["bucket"].to_pylist()
    return ImagePlaces(dict(zip(keys, buckets, strict=True)), {})


def places_now(connection: psycopg.Connection[Any], table: pa.Table) -> ImagePlaces:
    """As the database knows them now."""
    wanted = table.select(["sop_instance_uid", "frame", "patient_id"])
    with connection.transaction():
        connection.execute(_SQL["wanted_table"])
        with connection.cursor() as cursor, cursor.copy(_SQL["copy_wanted"]) as copy:
            buffer = io.BytesIO()
            csv.write_csv(wanted, buffer, csv.WriteOptions(include_header=False))
            copy.write(buffer.getvalue())
        buffer = io.BytesIO()
        with connection.cursor() as cursor, cursor.copy(_SQL["copy_found"]) as copy:
            for block in copy:
                buffer.write(block)
    found = read_csv(buffer, _FOUND)
    frozen = table.select(["sop_instance_uid", "frame", "key", "sha256"])
    both = frozen.join(found, ["sop_instance_uid", "frame"], right_suffix="_now").sort_by("key")
    same = pc.fill_null(pc.equal(both["sha256"], both["sha256_now"]), fill_value=False).to_numpy()
    there = both.filter(pa.array(same))
    buckets = dict(zip(there["key"].to_pylist(), there["bucket"].to_pylist(), strict=True))
    gone = both.filter(pa.array(np.logical_not(same))).select(["key", "sha256_now", "is_erased"]).to_pylist()
    return ImagePlaces(buckets, {row["key"]: _cause(row) for row in gone})


def _cause(row: dict[str, Any]) -> str:
    if row["is_erased"]:
        return ERASED
    return GONE if row["sha256_now"] is None else REDRAWN
