"""A frozen version with pictures in an in-memory store, written as shards."""

import hashlib
import io
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from common.store.object_key import Location
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.frozen_example import frozen
from training_set.export.export_folder import ExportRequest
from training_set.export.export_shards import write_shards
from training_set.export.image_locations import ImageLocations
from training_set.versions.freeze import FrozenVersion, all_files
from training_set.versions.frozen_set import FrozenSet

BUCKET = "pictures"
PICTURES = 40


def png(index: int) -> bytes:
    """A small picture of noise; every third has 16 bits."""
    greys = np.random.default_rng(index).integers(0, 65536, (16, 20)).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(greys if index % 3 == 0 else (greys >> 8).astype(np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def with_columns(table: pa.Table, **values: list[Any]) -> pa.Table:
    """The table with other values in some columns."""
    for name, column in values.items():
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array(column, table.schema.field(name).type))
    return table


@dataclass
class ShardSite:
    """The version, its pictures by key, and the store."""

    store: InMemoryObjectStore = field(default_factory=InMemoryObjectStore)
    missing: dict[str, str] = field(default_factory=dict)  # known from the database

    def __post_init__(self) -> None:
        training_set = frozen(["Effusion", "a|b"], PICTURES)
        keys = training_set.table["key"].to_pylist()
        self.pictures = {key: png(index) for index, key in enumerate(keys)}
        self.store.ensure_bucket(BUCKET)
        for key, body in self.pictures.items():
            self.store.put(Location(BUCKET, key), body, content_type="image/png")
        table = with_columns(
            training_set.table,
            sha256=[hashlib.sha256(body).hexdigest() for body in self.pictures.values()],
            sop_instance_uid=[f"2.25.{index}" for index in range(PICTURES)],
            frame=[1] * PICTURES,
            # missing in the first images, from which datasets takes the types of a tar's values
            study_date=[None if index % 14 < 8 else date(2021, 5, 4) for index in range(PICTURES)],
            instance_number=[None if index % 14 < 8 else index for index in range(PICTURES)],
            modality=[None if index % 14 < 8 else "DX" for index in range(PICTURES)],
            is_localizer=[False] * PICTURES,
        )
        self.frozen = FrozenSet(training_set.head, table)

    @property
    def version(self) -> FrozenVersion:
        return FrozenVersion(self.frozen, all_files(self.frozen), buckets=None)

    def export(
        self, folder: Path, form: Any, *, without_missing: bool = False, shard_bytes: int = 6000
    ) -> FrozenSet:
        """Write the version as shards of a few pictures."""
        buckets = {key: BUCKET for key in self.pictures if key not in self.missing}
        request = ExportRequest(
            folder, "copy", None, without_missing, at_a_time=2, form=form, shard_bytes=shard_bytes
        )
        locations = ImageLocations(buckets, self.missing)
        return write_shards(self.version, locations, self.store, request, lambda _: None)
