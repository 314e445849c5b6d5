"""A new version of a training set, or its last one if nothing differs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import PermanentError
from common.object_store import ObjectStore
from training_set.card import card_files
from training_set.frozen_files import load_frozen, store_frozen
from training_set.frozen_set import FrozenSet, content_digest, counts_of, make_head, parquet_bytes
from training_set.image_columns import COLUMNS, label_column
from training_set.image_rows import SelectedImages, label_rule, read_images
from training_set.options import Options
from training_set.patient_splits import ImageSplits, split_images
from training_set.selection import full_selection
from training_set.set_versions import (
    SetVersion,
    assigned_patients,
    find_version,
    insert_version,
    locked,
    time_now,
)

Tell = Callable[[str], None]
_LEFT_OUT = "near-equal to a picture of a patient in another split since an earlier version"


@dataclass(frozen=True)
class FrozenVersion:
    """A version and its files."""

    frozen: FrozenSet
    files: dict[str, bytes]  # all but the pictures, by name
    is_new: bool  # made now, so its images are all there

    @property
    def number(self) -> int:
        return int(self.frozen.head["version"])


def freeze(
    connection: psycopg.Connection[Any], store: ObjectStore, name: str, *, tell: Tell, **asked: Any
) -> FrozenVersion:
    """Select, split and freeze; what is not asked for is as in the last version.

    Raises PermanentError for what can't be asked for; then nothing has changed.
    """
    with locked(connection, name):
        last = find_version(connection, name)
        threading.Thread(target=_import_early, daemon=True).start()
        options = _options(connection, last).changed(**asked)
        query = full_selection(options.where)
        tell(f"Selecting: {query}")
        images = read_images(
            connection, query, labels=options.labels, rule=options.rule, uncertain=options.uncertain
        )
        if not len(images.table):
            raise PermanentError(f"No image is selected by: {query}")
        tell(f"{len(images.table):,} images with {len(images.labels)} label(s); looking for duplicates.")
        splits = split_images(
            images.table,
            images.values,
            assigned=assigned_patients(connection, name),
            shares=options.splits,
            key=f"{name} {options.seed}",
        )
        table, left_out = _table(images, splits, list(options.splits))
        if last is not None:
            unchanged = _unchanged(store, name, last, table, options, left_out)
            if unchanged is not None:
                return unchanged
        return _frozen_now(connection, store, name, last, table, left_out, query, options)


def _import_early() -> None:
    """What takes a second to import, while the database selects."""
    import scipy.sparse.csgraph  # noqa: F401


def _options(connection: psycopg.Connection[Any], last: SetVersion | None) -> Options:
    if last is not None:
        return Options.from_json(last.options)
    rule, uncertain = label_rule(connection)
    return Options(rule=rule, uncertain=uncertain)


def _table(
    images: SelectedImages, found: ImageSplits, splits: list[str]
) -> tuple[pa.Table, tuple[dict[str, str], ...]]:
    """The table to be frozen, in the order of file names, and the images left out of it."""
    names = pa.array(np.array(splits, object)[found.splits], pa.string())
    keys = images.table["key"].combine_chunks()
    columns: dict[str, Any] = {"file_name": pc.binary_join_element_wise(names, keys, "/"), "split": names}
    for place, label in enumerate(images.labels):
        columns[label_column(label)] = pa.array(images.values[:, place], from_pandas=True)
    columns |= {name: images.table[name] for name in COLUMNS}
    table = pa.table(columns)
    left_out = tuple(
        {"key": key, "cause": _LEFT_OUT} for key in keys.filter(pa.array(found.left_out)).to_pylist()
    )
    return table.filter(pa.array(~found.left_out)).sort_by("file_name"), left_out


def _unchanged(
    store: ObjectStore,
    name: str,
    last: SetVersion,
    table: pa.Table,
    options: Options,
    left_out: tuple[dict[str, str], ...],
) -> FrozenVersion | None:
    """The last version, if the new one would hold the same."""
    if last.options != orjson.loads(orjson.dumps(options.to_json())):
        return None
    if last.counts["images"] != len(table) or last.counts["left_out"] != len(left_out):
        return None
    frozen, files = load_frozen(store, name, last)
    # By content, for another version of the Parquet writer may give other bytes.
    if not frozen.table.equals(table.combine_chunks()) or frozen.left_out != left_out:
        return None
    return FrozenVersion(frozen, files, is_new=False)


def _frozen_now(
    connection: psycopg.Connection[Any],
    store: ObjectStore,
    name: str,
    last: SetVersion | None,
    table: pa.Table,
    left_out: tuple[dict[str, str], ...],
    query: str,
    options: Options,
) -> FrozenVersion:
    number = last.number + 1 if last else 1
    told, now = options.to_json(), time_now(connection)
    body = parquet_bytes(table)
    digest = content_digest(body, {**told, "query": query}, left_out)
    head = make_head(
        name=name,
        number=number,
        created_at=now.isoformat(),
        digest=digest,
        query=query,
        options=told,
        table=table,
    )
    frozen = FrozenSet(head, table, left_out)
    files = all_files(frozen, body)
    counts = {**counts_of(table, list(options.splits)), "left_out": len(left_out)}
    # First the files, then the row that says they are there.
    store_frozen(store, name, number, files)
    version = SetVersion(number, query, told, digest, counts, now)
    patients = table.select(["patient_id", "split"]).group_by(["patient_id", "split"]).aggregate([])
    pairs = zip(patients["patient_id"].to_pylist(), patients["split"].to_pylist(), strict=True)
    insert_version(connection, name, version, pairs)
    return FrozenVersion(frozen, files, is_new=True)


def all_files(frozen: FrozenSet, table: bytes | None = None) -> dict[str, bytes]:
    """Every file of a set but its pictures, the manifest last; `table` if its Parquet is known."""
    files = {**frozen.table_files(table), **card_files(frozen)}
    return {**files, "manifest.json": frozen.manifest(files)}
