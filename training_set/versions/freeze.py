"""A new version of a training set, or its last one if nothing differs."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import PermanentError
from common.store.object_store import ObjectStore
from training_set.selection.image_columns import COLUMNS, label_column
from training_set.selection.image_rows import SelectedImages, label_rule, read_images
from training_set.selection.options import Options
from training_set.selection.selection import full_selection
from training_set.splits.patient_splits import ImageSplits, split_images
from training_set.versions.card import card_files
from training_set.versions.frozen_files import load_frozen, store_frozen
from training_set.versions.frozen_set import FrozenSet, content_digest, make_head, parquet_bytes
from training_set.versions.set_versions import (
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


@dataclass(frozen=True)
class _Contents:
    """What a version would hold."""

    options: Options
    query: str  # the whole selection
    table: pa.Table  # in the order of file names
    left_out: tuple[dict[str, str], ...]  # key and cause


@dataclass(frozen=True)
class Freezer:
    """Makes versions of one set."""

    connection: psycopg.Connection[Any]
    store: ObjectStore
    name: str
    tell: Tell  # a sentence now and then

    def freeze(self, **asked: Any) -> FrozenVersion:
        """Select, split and freeze; what is not asked for, or None, is as in the last version.

        Raises PermanentError for what can't be asked for; then nothing has changed.
        """
        with locked(self.connection, self.name):
            last = find_version(self.connection, self.name)
            threading.Thread(target=_import_early, daemon=True).start()
            contents = self._contents(self._options(last).changed(**asked))
            unchanged = None if last is None else self._unchanged(last, contents)
            return unchanged or self._frozen_now(1 if last is None else last.number + 1, contents)

    def _options(self, last: SetVersion | None) -> Options:
        if last is not None:
            return Options.from_json(last.options)
        rule, uncertain = label_rule(self.connection)
        return Options(rule=rule, uncertain=uncertain)

    def _contents(self, options: Options) -> _Contents:
        query = full_selection(options.where)
        self.tell(f"Selecting: {query}")
        images = read_images(self.connection, query, options)
        if not len(images.table):
            raise PermanentError(f"No image is selected by: {query}")
        self.tell(f"{len(images.table):,} images with {len(images.labels)} label(s); looking for duplicates.")
        splits = split_images(
            images.table,
            images.said,
            assigned=assigned_patients(self.connection, self.name),
            shares=options.splits,
            key=f"{self.name} {options.seed}",
        )
        return _Contents(options, query, *_table(images, splits, list(options.splits)))

    def _unchanged(self, last: SetVersion, contents: _Contents) -> FrozenVersion | None:
        """The last version, if the new one would hold the same."""
        if Options.from_json(last.options) != contents.options or last.query != contents.query:
            return None
        numbers = (len(contents.table), len(contents.left_out))
        if (last.counts["images"], last.counts["left_out"]) != numbers:
            return None
        frozen, files = load_frozen(self.store, self.name, last)
        # By content, for another version of the Parquet writer may give other bytes.
        if not frozen.table.equals(contents.table) or frozen.left_out != contents.left_out:
            return None
        return FrozenVersion(frozen, files, is_new=False)

    def _frozen_now(self, number: int, contents: _Contents) -> FrozenVersion:
        table, told = contents.table, contents.options.to_json()
        now, body = time_now(self.connection), parquet_bytes(table)
        digest = content_digest(body, {**told, "query": contents.query}, contents.left_out)
        head = make_head(
            name=self.name,
            number=number,
            created_at=now.isoformat(),
            digest=digest,
            query=contents.query,
            options=told,
            table=table,
        )
        frozen = FrozenSet(head, table, contents.left_out)
        files = all_files(frozen, body)
        # First the files, then the row that says they are there.
        self.tell(f"Freezing {self.name} v{number}.")
        store_frozen(self.store, self.name, number, files)
        counts = {**head["counts"], "left_out": len(contents.left_out)}
        version = SetVersion(number, contents.query, told, digest, counts, now)
        patients = table.select(["patient_id", "split"]).group_by(["patient_id", "split"]).aggregate([])
        pairs = zip(patients["patient_id"].to_pylist(), patients["split"].to_pylist(), strict=True)
        insert_version(self.connection, self.name, version, pairs)
        return FrozenVersion(frozen, files, is_new=True)


def _import_early() -> None:
    """What takes a second to import, while the database selects."""
    for name in ("matplotlib.figure", "pandas", "scipy.sparse.csgraph"):
        import_module(name)


def _table(
    images: SelectedImages, found: ImageSplits, splits: list[str]
) -> tuple[pa.Table, tuple[dict[str, str], ...]]:
    """The table to be frozen, in the order of file names, and the images left out of it."""
    names = pa.array(splits).take(pa.array(found.splits))
    keys = images.table["key"].combine_chunks()
    columns: dict[str, Any] = {"file_name": pc.binary_join_element_wise(names, keys, "/"), "split": names}
    for place, label in enumerate(images.labels):
        columns[label_column(label)] = pa.array(images.said[:, place], from_pandas=True)
    columns |= {name: images.table[name] for name in COLUMNS}
    out = keys.filter(pa.array(found.left_out)).to_pylist()
    table = pa.table(columns).filter(pa.array(~found.left_out)).sort_by("file_name").combine_chunks()
    return table, tuple({"key": key, "cause": _LEFT_OUT} for key in out)


def all_files(frozen: FrozenSet, table: bytes | None = None) -> dict[str, bytes]:
    """Every file of a set but its pictures, the manifest last; `table` if its Parquet is known."""
    with ThreadPoolExecutor(1) as thread:  # plots are drawn while Arrow, outside the GIL, makes text
        card = thread.submit(card_files, frozen)
        files = {**frozen.table_files(table), **card.result()}
    return {**files, "manifest.json": frozen.manifest(files)}
