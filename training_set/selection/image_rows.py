"""Read the selected images and their labels from the database into one table."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from psycopg import sql
from pyarrow import csv

from common.database import queries
from common.errors import PermanentError
from training_set.selection.image_columns import COLUMNS, INTEGER, TEXT
from training_set.selection.options import Options
from training_set.selection.selection import parse_selection

_SQL = queries(Path(__file__).with_suffix(".sql"))
_INTERNAL = {"image_id": INTEGER, "bucket": TEXT}  # never exported
_READ = {**COLUMNS, **_INTERNAL, "label_count": INTEGER, "label_ids": TEXT, "label_values": TEXT}
# Every part begins with a letter or digit, so no part is . or .. and no path leaves the folder.
_KEY = r"^([A-Za-z0-9][A-Za-z0-9._-]{0,127}/){4}[1-9][0-9]{0,9}\.png$"


@dataclass(frozen=True)
class SelectedImages:
    """The selected images, sorted by key."""

    table: pa.Table  # image_id, bucket and the columns of a training set
    labels: tuple[str, ...]  # names, in the order of the columns of label_values
    label_values: NDArray[np.float64]  # (images, labels); nan if the image has no such label


def label_rule(connection: psycopg.Connection[Any]) -> tuple[str, str]:
    """Return the rule and the handling of uncertain labels from the settings."""
    row = connection.execute(_SQL["default_rule"]).fetchone()
    return (str(row[0]), str(row[1])) if row else ("last", "keep")


def label_ids(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Return the ids of all labels by name."""
    return {name: number for number, name in connection.execute(_SQL["label_names"])}


def read_images(
    connection: psycopg.Connection[Any], query: str, options: Options, fixed: Sequence[str] = ()
) -> SelectedImages:
    """Read the images of a selection with the requested labels, or with all labels of any of them.

    `fixed` are the keys of images that are read whether or not they are selected.

    Raises PermanentError if the selection isn't allowed, a label is unknown or a key is invalid.
    """
    known, labels = label_ids(connection), options.labels
    in_sets = [name for names in options.label_sets.values() for name in names]
    unknown = [name for name in (*(labels or ()), *in_sets) if name not in known]
    if unknown:
        raise PermanentError(f"There is no label {unknown[0]!r}.")
    condition = parse_selection(query, known)
    rules = {"rule": options.rule, "uncertain": options.uncertain}
    connection.execute(_SQL["set_work_mem"])
    connection.execute(_SQL["create_labelled_image"], rules)
    connection.execute(_SQL["create_selected_image"])
    selection = sql.SQL("{} ({})").format(sql.SQL(_SQL["insert_selected_images"]), condition.text)
    if fixed:
        selection += sql.SQL(" or i.key = any(%(fixed)s)")
    connection.execute(selection, {**condition.values, "fixed": list(fixed)})
    table = _copied(connection, _SQL["copy_selected_images"]).sort_by("key")
    _check_keys(table)
    ids = _numbers(table["label_ids"], np.int64)
    # Only labels that occur get a column: one wrong label file may have added thousands of names.
    used = set(np.unique(ids).tolist())
    if labels is None:
        names = tuple(sorted({name for name in known if known[name] in used} | {*in_sets}))
    else:
        names = tuple(dict.fromkeys([*labels, *in_sets]))
    values = _label_values(table, ids, [known[name] for name in names])
    return SelectedImages(table.select([*_INTERNAL, *COLUMNS]), names, values)


def _copied(connection: psycopg.Connection[Any], query: str) -> pa.Table:
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in (*_INTERNAL, *COLUMNS))
    buffer = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(sql.SQL(query).format(columns=columns)) as copy:
        for block in copy:
            buffer.write(block)
    return read_csv(buffer, _READ)


def read_csv(buffer: io.BytesIO, types: dict[str, pa.DataType]) -> pa.Table:
    """Parse CSV as Postgres writes it: empty text is quoted, null is not."""
    buffer.seek(0)
    convert = csv.ConvertOptions(
        column_types=types,
        null_values=[""],
        true_values=["t"],
        false_values=["f"],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = csv.ParseOptions(newlines_in_values=True)
    return csv.read_csv(buffer, convert_options=convert, parse_options=parse).combine_chunks()


def _check_keys(table: pa.Table) -> None:
    """Check that keys consist of the row's own identifiers in five plain parts, because keys become paths."""
    frames = pc.cast(table["frame"], pa.string())
    parts = [
        table[name]
        for name in ("patient_id", "study_instance_uid", "series_instance_uid", "sop_instance_uid")
    ]
    expected = pc.binary_join_element_wise(*parts, pc.binary_join_element_wise(frames, ".png", ""), "/")
    is_right = pc.and_(pc.equal(table["key"], expected), pc.match_substring_regex(table["key"], _KEY))
    wrong = len(table) - (pc.sum(is_right).as_py() or 0)
    if wrong:
        raise PermanentError(f"{wrong} image(s) have an invalid key; nothing was exported.")


def _label_values(table: pa.Table, ids: NDArray[np.int64], labels: list[int]) -> NDArray[np.float64]:
    """Return label values, float64 (images, labels), nan if unset; `ids` are label ids, image by image."""
    values = np.full((len(table), len(labels)), np.nan)
    images = np.repeat(np.arange(len(table)), table["label_count"].to_numpy())
    column_of_id = np.full(max([*labels, int(ids.max(initial=0))], default=0) + 1, -1)
    column_of_id[labels] = np.arange(len(labels))
    columns = column_of_id[ids]
    is_wanted = columns >= 0
    stored = _numbers(table["label_values"], np.float64)
    values[images[is_wanted], columns[is_wanted]] = stored[is_wanted]
    return values


def _numbers(texts: pa.ChunkedArray, kind: Any) -> NDArray[Any]:
    joined = " ".join(texts.drop_null().to_pylist())
    return np.fromstring(joined, dtype=kind, sep=" ")


def is_image_key(key: str) -> bool:
    """Whether a key is a valid image key with plain parts only."""
    return re.match(_KEY, key) is not None
