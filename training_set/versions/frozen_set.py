"""The frozen contents of a version: one table with all columns, and a manifest with its origin."""

import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.errors import PermanentError
from training_set.formats.csv_text import csv_text, plain_numbers, real_numbers, unambiguous_text
from training_set.selection.image_columns import COLUMNS, FOLD, INTEGER, LABEL, METADATA, TEXT, label_column

MANIFEST, TABLE, LABELS = "manifest.json", "images.parquet", "labels.csv"
_FORMAT = 1
_MADE_BY = ("deidentification", "key_id", "quality_model", "recipe_version", "recipe", "pipeline_version")


@dataclass(frozen=True)
class FrozenSet:
    """The contents of a version. Equal contents give equal bytes."""

    head: dict[str, Any]  # first part of the manifest: name, version, settings, counts …
    table: pa.Table  # file_name, split, perhaps fold, labels, image_columns.COLUMNS; sorted by file_name
    left_out: tuple[dict[str, str], ...] = ()  # key and cause

    @property
    def splits(self) -> list[str]:
        """The splits with at least one image."""
        present = set(pc.unique(self.table["split"]).to_pylist())
        return [name for name in self.head["settings"]["splits"] if name in present]

    @property
    def labels(self) -> list[str]:
        """The names of the labels."""
        return [name.removeprefix(LABEL) for name in self.table.column_names if name.startswith(LABEL)]

    def of_split(self, split: str) -> pa.Table:
        """Return the rows of one split with the columns of metadata.csv."""
        labels = [name for name in self.table.column_names if name.startswith(LABEL)]
        folds = [FOLD] * (FOLD in self.table.column_names)
        part = self.table.select(["key", "split", *METADATA, *folds, *labels])
        return part.filter(pc.equal(part["split"], split))

    def without(self, keys: dict[str, str]) -> "FrozenSet":
        """Return the training set without some images. `keys` holds the cause by key."""
        if not keys:
            return self
        is_kept = pc.invert(pc.is_in(self.table["key"], pa.array(list(keys))))
        rest = self.table.filter(is_kept)
        missing = dict(sorted(Counter(keys.values()).items()))
        head = self.head | {
            "counts": counts_of(rest, list(self.head["settings"]["splits"])),
            "missing": missing,
        }
        return replace(self, head=head | {"labels": label_counts(rest)}, table=rest)

    def table_files(self, table: bytes | None = None) -> dict[str, bytes]:
        """Return all files with rows of the table by name. `table` is the Parquet file if already known."""
        metadata = {f"{split}/metadata.csv": _metadata(self.of_split(split)) for split in self.splits}
        sets = {
            f"labels_{name}.csv": _labels(self.table, labels)
            for name, labels in self.head["settings"].get("label_sets", {}).items()
        }
        labels = {LABELS: _labels(self.table, self.labels), **sets}
        return {TABLE: table or parquet_bytes(self.table), **labels, **metadata}

    def manifest(self, files: Mapping[str, bytes], shards: Mapping[str, str] | None = None) -> bytes:
        """Return the manifest with the digests of the other files and one line per image.

        `shards` are the digests of files that are too large for the memory, by name.
        """
        digests = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()} | dict(
            shards or {}
        )
        head = {**self.head, "files": dict(sorted(digests.items())), "left_out": self.left_out}
        text = orjson.dumps(head, option=orjson.OPT_INDENT_2)
        return text[:-2] + b',\n  "images": [\n' + self._image_lines() + b"\n  ]\n}\n"

    def _image_lines(self) -> bytes:
        """Return a line of JSON for each image. Keys, splits and digests need no JSON escapes."""
        if not len(self.table):
            return b""
        columns = [plain_numbers(self.table[label_column(name)]) for name in self.labels]
        values = [pc.fill_null(column.combine_chunks(), "null") for column in columns]
        labels = pc.binary_join_element_wise(*values, ",") if values else ""
        split, key, digest = (self.table[name].combine_chunks() for name in ("split", "key", "sha256"))
        if FOLD in self.table.column_names:
            folds = pc.cast(self.table[FOLD].combine_chunks(), TEXT)
            split = pc.binary_join_element_wise(split, '","fold":', folds, ',"key":"', "")
        else:
            split = pc.binary_join_element_wise(split, '","key":"', "")
        parts = ['{"split":"', split, key, '","sha256":"', digest, '","labels":[', labels, "]}"]
        return ",\n".join(pc.binary_join_element_wise(*parts, "").to_pylist()).encode()


def make_head(
    *,
    name: str,
    number: int,
    created_at: str,
    digest: str,
    query: str,
    options: dict[str, Any],
    table: pa.Table,
    **more: Any,
) -> dict[str, Any]:
    """Return the first part of a new version's manifest; `more` are members that the card is made of."""
    made_by = {column: _value_counts(table[column]) for column in _MADE_BY}
    return {
        "format": _FORMAT,
        "name": name,
        "version": number,
        "created_at": created_at,
        "digest": digest,
        "about": options.get("about", {}),
        "settings": {**{name: value for name, value in options.items() if name != "about"}, "query": query},
        "counts": counts_of(table, list(options["splits"])),
        "labels": label_counts(table),
        "made_by": made_by,
        **more,
    }


def content_digest(table: bytes, settings: dict[str, Any], left_out: tuple[dict[str, str], ...]) -> str:
    """Return the SHA-256 of all frozen contents except number and time."""
    rest = orjson.dumps([settings, left_out], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(table + rest).hexdigest()


def counts_of(table: pa.Table, splits: list[str]) -> dict[str, Any]:
    """Count images, patients and studies, in total and per split."""
    parts = {name: table.filter(pc.equal(table["split"], name)) for name in splits}
    found = _counts(table) | {"splits": {name: _counts(part) for name, part in parts.items()}}
    if FOLD in table.column_names:
        numbers = [number for number in sorted(pc.unique(table[FOLD]).to_pylist()) if number]
        of_fold = {str(number): table.filter(pc.equal(table[FOLD], number)) for number in numbers}
        found["folds"] = {name: _counts(part) for name, part in of_fold.items()}
    return found


def _counts(table: pa.Table) -> dict[str, int]:
    distinct = {
        "patients": pc.count_distinct(table["patient_id"]).as_py(),
        "studies": pc.count_distinct(table["study_instance_uid"]).as_py(),
    }
    return {"images": len(table), **distinct}


def label_counts(table: pa.Table) -> list[dict[str, Any]]:
    """Return for each label the number of images by value, its patients and its prevalence per split."""
    names = [name for name in table.column_names if name.startswith(LABEL)]
    splits = table["split"].to_numpy(zero_copy_only=False)
    patients = table["patient_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    return [_label_count(name, table[name].to_numpy(), splits, patients) for name in names]


def _label_count(name: str, values: Any, splits: Any, patients: Any) -> dict[str, Any]:
    present = values >= 0.5
    parts = {split: present[splits == split] for split in sorted(set(splits))}
    return {
        "name": name.removeprefix(LABEL),
        "column": name,
        "present": int(present.sum()),
        "absent": int(((values >= 0) & ~present).sum()),
        "uncertain": int((values < 0).sum()),
        "missing": int(np.isnan(values).sum()),
        "patients": len(np.unique(patients[present])),
        "prevalence": {"all": _share(present), **{split: _share(part) for split, part in parts.items()}},
    }


def _share(present: Any) -> float:
    return round(float(present.mean()), 6) if len(present) else 0.0


def _value_counts(column: pa.ChunkedArray) -> dict[str, int]:
    found = {str(each["values"]): each["counts"] for each in pc.value_counts(column).to_pylist()}
    return dict(sorted(found.items()))


def parquet_bytes(table: pa.Table) -> bytes:
    """Return the table as Parquet."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", row_group_size=100_000)
    return sink.getvalue()


def read_table(body: bytes) -> pa.Table:
    """Read the table of images.parquet; PermanentError if it isn't one."""
    try:
        table = pq.read_table(io.BytesIO(body))
    except (pa.ArrowException, OSError):
        raise PermanentError(f"{TABLE} can't be read.") from None
    found = dict(zip(table.schema.names, table.schema.types, strict=True))
    if not {"file_name": TEXT, "split": TEXT, **COLUMNS}.items() <= found.items() or (
        found.get(FOLD, INTEGER) != INTEGER
    ):
        raise PermanentError(f"{TABLE} lacks columns.")
    return table


def _metadata(part: pa.Table) -> bytes:
    # File names are relative to metadata.csv, so they don't include the split.
    columns: dict[str, pa.ChunkedArray] = {"file_name": part["key"]}
    for name in METADATA:
        kind, column = COLUMNS[name], part[name]
        is_number = pa.types.is_floating(kind)
        columns[name] = (
            real_numbers(column)
            if is_number
            else column
            if pa.types.is_integer(kind)
            else unambiguous_text(column)
        )
    if FOLD in part.column_names:
        columns[FOLD] = part[FOLD]
    labels = [name for name in part.column_names if name.startswith(LABEL)]
    return csv_text(pa.table({**columns, **{name: real_numbers(part[name]) for name in labels}}))


def _labels(table: pa.Table, names: Sequence[str]) -> bytes:
    columns = [table["file_name"], *(plain_numbers(table[label_column(name)]) for name in names)]
    return csv_text(pa.Table.from_arrays(columns, ["file_name", *names]))
