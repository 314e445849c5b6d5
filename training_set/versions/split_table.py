"""The table of a version: the selected images with their splits and folds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from training_set.selection.image_columns import COLUMNS, FOLD, TEXT, label_column
from training_set.selection.image_rows import SelectedImages
from training_set.splits.patient_splits import ImageSplits
from training_set.versions.fixed_test import FixedTest

LeftOut = tuple[dict[str, str], ...]  # key and cause
_OTHER_SPLIT = "near-equal to a picture of a patient in another split since an earlier version"
_OTHER_FOLD = "near-equal to a picture of a patient in another fold since an earlier version"
_Folds = tuple[NDArray[np.int64], NDArray[np.bool_]]  # of each image, and whether it is left out


def split_table(
    images: SelectedImages,
    found: ImageSplits,
    splits: list[str],
    fixed: FixedTest | None,
    folds: _Folds | None = None,
) -> tuple[pa.Table, LeftOut]:
    """Return the table to freeze, sorted by file name, and the images that are left out."""
    names = pa.array(splits).take(pa.array(found.splits))
    keys = images.table["key"].combine_chunks()
    columns: dict[str, Any] = {"file_name": pc.binary_join_element_wise(names, keys, "/"), "split": names}
    gone = found.left_out | found.outside
    if folds is not None:
        columns[FOLD] = pa.array(folds[0])
        gone |= folds[1]
    for number, label in enumerate(images.labels):
        columns[label_column(label)] = pa.array(images.label_values[:, number], from_pandas=True)
    columns |= {name: images.table[name] for name in COLUMNS}
    table = pa.table(columns).filter(pa.array(~gone)).sort_by("file_name").combine_chunks()
    left_out = []
    for image in np.flatnonzero(gone).tolist():
        key = keys[image].as_py()
        cause = _OTHER_SPLIT if found.left_out[image] else _OTHER_FOLD
        if fixed is not None and found.outside[image]:
            cause = fixed.cause(key)
        left_out.append({"key": key, "cause": cause})
    return table, tuple(left_out)


def joined_values(table: pa.Table, columns: tuple[str, ...]) -> NDArray[np.int64] | None:
    """Return a number for each combination of values in these columns; None without columns.

    A missing value is a value like any other: pictures of unknown devices are together.
    """
    if not columns:
        return None
    texts = [pc.fill_null(pc.cast(table[name], TEXT), "") for name in columns]
    joined = pc.binary_join_element_wise(*texts, "\0").combine_chunks()
    return np.asarray(joined.dictionary_encode().indices.to_numpy(), np.int64)


def joined_sentence(table: pa.Table, together: NDArray[np.int64]) -> str:
    """Return how many patients have several devices or the like, which are therefore in one split."""
    rows = pa.table({"patient_id": table["patient_id"], "value": pa.array(together)})
    counts = rows.group_by("patient_id").aggregate([("value", "count_distinct")])["value_count_distinct"]
    several = pc.sum(pc.greater(counts, 1)).as_py() or 0
    return f"{several:,} patient(s) have images of several; all of these are in one split."


def patient_rows(table: pa.Table) -> Iterator[tuple[str, str, int | None]]:
    """Yield each patient with the split and the fold, None for no fold."""
    columns = [name for name in ("patient_id", "split", FOLD) if name in table.column_names]
    rows = table.select(columns).group_by(columns).aggregate([])
    for row in rows.to_pylist():
        yield row["patient_id"], row["split"], row.get(FOLD) or None
