"""Freeze a new version of a training set, or return the last version if nothing has changed."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import psycopg
import pyarrow as pa

from common.errors import PermanentError
from common.store.object_store import ObjectStore
from training_set.card.card import card_files
from training_set.formats.croissant import CROISSANT, croissant_body
from training_set.selection.allowed_labels import AllowedLabels
from training_set.selection.image_rows import SelectedImages, label_rule, read_images
from training_set.selection.options import SPLIT_BY, TEST, Options
from training_set.selection.selection import full_selection
from training_set.selection.statement import check_statement, merged_statement
from training_set.splits.patient_folds import FoldRules, fold_images
from training_set.splits.patient_splits import SplitRules, split_images
from training_set.versions.fixed_test import (
    FixedTest,
    fixed_test_head,
    load_fixed_test,
    refuse_another,
)
from training_set.versions.frozen_files import load_frozen, store_frozen
from training_set.versions.frozen_set import FrozenSet, content_digest, make_head, parquet_bytes
from training_set.versions.set_versions import (
    SetVersion,
    assigned_folds,
    assigned_patients,
    find_version,
    insert_version,
    locked,
    time_now,
)
from training_set.versions.split_table import (
    LeftOut,
    joined_sentence,
    joined_values,
    patient_rows,
    split_table,
)
from training_set.versions.version_facts import changes_since, selection_facts

Report = Callable[[str], None]


@dataclass(frozen=True)
class FrozenVersion:
    """A version with its files."""

    frozen: FrozenSet
    files: dict[str, bytes]  # by name; without the pictures
    buckets: Mapping[str, str] | None  # by key, if frozen just now; then all its images exist

    @property
    def is_new(self) -> bool:
        return self.buckets is not None

    @property
    def number(self) -> int:
        return int(self.frozen.head["version"])


@dataclass(frozen=True)
class _Contents:
    """The contents of a possible version."""

    options: Options
    query: str  # the complete selection with its defaults
    table: pa.Table  # sorted by file name
    left_out: LeftOut
    images: SelectedImages  # also those that are left out
    buckets: dict[str, str]  # by key; not frozen, because their names tell when images arrived
    head: dict[str, Any]  # what the manifest says of a fixed test split


@dataclass(frozen=True)
class Freezer:
    """Freezes versions of one training set."""

    connection: psycopg.Connection[Any]
    store: ObjectStore
    name: str
    report: Report  # receives progress messages
    allowed_labels: AllowedLabels
    stated: Mapping[str, str] = field(default_factory=dict)  # the statement of the settings

    def freeze(self, *, about: Mapping[str, str] | None = None, **changes: Any) -> FrozenVersion:
        """Select, split and freeze. Options that are missing or None are as in the last version.

        `about` is what is stated now; a new version without a complete statement needs a word why.
        Raises PermanentError for invalid options; then nothing has changed.
        """
        with locked(self.connection, self.name):
            last = find_version(self.connection, self.name)
            threading.Thread(target=_import_early, daemon=True).start()
            number = 1 if last is None else last.number + 1
            before = self._options(last)
            statement = merged_statement(about or {}, before.about, self.stated)
            if last is None or statement != before.about:
                check_statement(statement)
            options = before.changed(**changes, about=statement)
            refuse_another(last, options)
            contents = self._contents(options, number)
            unchanged = None if last is None else self._unchanged(last, contents)
            return unchanged or self._freeze(last, contents)

    def _options(self, last: SetVersion | None) -> Options:
        if last is not None:
            return Options.from_json(last.options)
        rule, uncertain = label_rule(self.connection)
        return Options(rule=rule, uncertain=uncertain)

    def _contents(self, options: Options, number: int) -> _Contents:
        query = full_selection(options.where)
        fixed = load_fixed_test(self.connection, self.store, self.name, options, number)
        self.report(f"Selecting: {query}")
        images = read_images(self.connection, query, options, [] if fixed is None else [*fixed.digests])
        if not len(images.table):
            raise PermanentError(f"No image is selected by: {query}")
        self.allowed_labels.check(images.labels)
        self.report(
            f"{len(images.table):,} images with {len(images.labels)} label(s). Searching for duplicates."
        )
        table, left_out = self._divided(images, options, fixed)
        keys, buckets = (images.table[column].to_pylist() for column in ("key", "bucket"))
        head = fixed_test_head(table, fixed, options)
        places = dict(zip(keys, buckets, strict=True))
        return _Contents(options, query, table, left_out, images, places, head)

    def _divided(
        self, images: SelectedImages, options: Options, fixed: FixedTest | None
    ) -> tuple[pa.Table, LeftOut]:
        """Return the table with splits and folds, and the images that are left out."""
        together = joined_values(images.table, SPLIT_BY[options.split_by])
        if together is not None:
            self.report(f"By {options.split_by}: {joined_sentence(images.table, together)}")
        key, names = f"{self.name} {options.seed}", list(options.splits)
        closed = None if fixed is None else fixed.closed(images.table)
        assigned = assigned_patients(self.connection, self.name)
        rules = SplitRules(assigned, options.splits, key, together, closed)
        found = split_images(images.table, images.label_values, rules)
        if not options.folds:
            return split_table(images, found, names, fixed)
        fold_rules = FoldRules(
            options.folds,
            is_test=found.splits == (names.index(TEST) if TEST in names else -1),
            assigned=assigned_folds(self.connection, self.name, options.folds),
            key=f"{key} {options.folds} folds",
            together=together,
        )
        image_ids = images.table["image_id"].to_numpy()
        folds = fold_images(found, images.label_values, image_ids, fold_rules)
        return split_table(images, found, names, fixed, folds)

    def _unchanged(self, last: SetVersion, contents: _Contents) -> FrozenVersion | None:
        """Return the last version if the new one would have the same contents."""
        if Options.from_json(last.options) != contents.options or last.query != contents.query:
            return None
        numbers = (len(contents.table), len(contents.left_out))
        if (last.counts["images"], last.counts["left_out"]) != numbers:
            return None
        frozen, files = load_frozen(self.store, self.name, last)
        # Compare the contents, because another version of the Parquet writer may write other bytes.
        if not frozen.table.equals(contents.table) or frozen.left_out != contents.left_out:
            return None
        return FrozenVersion(frozen, files, buckets=None)

    def _freeze(self, last: SetVersion | None, contents: _Contents) -> FrozenVersion:
        check_statement(contents.options.about)
        number = 1 if last is None else last.number + 1
        table, options = contents.table, contents.options.to_json()
        now, body = time_now(self.connection), parquet_bytes(table)
        digest = content_digest(body, {**options, "query": contents.query}, contents.left_out)
        head = make_head(
            name=self.name,
            number=number,
            created_at=now.isoformat(),
            digest=digest,
            query=contents.query,
            options=options,
            table=table,
            **selection_facts(
                self.connection, contents.images, contents.left_out, contents.query, contents.options
            ),
        )
        head |= contents.head
        frozen = FrozenSet(head, table, contents.left_out)
        if last is not None:
            head["changes"] = changes_since(last, frozen, self.store, self.name)
        files = all_files(frozen, body)
        # The files first: a row in the database means that the files exist.
        self.report(f"Freezing {self.name} v{number}.")
        store_frozen(self.store, self.name, number, files)
        counts = {**head["counts"], "left_out": len(contents.left_out)}
        version = SetVersion(number, contents.query, options, digest, counts, now)
        insert_version(self.connection, self.name, version, patient_rows(table))
        return FrozenVersion(frozen, files, contents.buckets)


def _import_early() -> None:
    """Import slow modules, about two seconds in all, while the database selects."""
    for name in ("matplotlib.figure", "pandas", "scipy.sparse.csgraph", "scipy.stats"):
        import_module(name)


def all_files(frozen: FrozenSet, table: bytes | None = None) -> dict[str, bytes]:
    """Return all files except pictures, the manifest last. `table` is the Parquet file if already known."""
    with ThreadPoolExecutor(1) as thread:  # plots are drawn while Arrow formats text outside the GIL
        card = thread.submit(card_files, frozen.head, frozen.table)
        files = {**frozen.table_files(table), **card.result()}
    files[CROISSANT] = croissant_body(frozen.head, frozen.table.schema, files)
    return {**files, "manifest.json": frozen.manifest(files)}
