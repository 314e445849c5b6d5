"""A frozen training set without a database, with label names of every kind."""

import hashlib

import numpy as np
import pyarrow as pa

from training_set.selection.image_columns import COLUMNS, label_column
from training_set.selection.options import Options
from training_set.versions.frozen_set import FrozenSet, content_digest, make_head, parquet_bytes

HOSTILE = [
    "$x^$",
    "a|b",
    "line\nbreak",
    "=1+1",
    '"quoted", really',
    "Ünïcode ☃",
    "<script>",
    "_".join("ab" * 40),
]


def frozen(labels: list[str] = HOSTILE, number: int = 30) -> FrozenSet:
    """Return a training set of `number` images, each of another patient."""
    random = np.random.default_rng(0)
    splits = ["train" if index % 3 else "test" for index in range(number)]
    keys = [f"P{index:04}/1.1/1.2/1.{index}/1.png" for index in range(number)]
    rows = {"file_name": [f"{split}/{key}" for split, key in zip(splits, keys, strict=True)], "split": splits}
    for name in labels:
        values = random.integers(0, 2, number).astype(float)
        rows[label_column(name)] = pa.array(values, mask=random.random(number) < 0.2)
    for name, kind in COLUMNS.items():
        rows[name] = pa.array([None] * number, kind)
    rows |= {"key": keys, "patient_id": [key[:5] for key in keys], "study_instance_uid": ["1.1"] * number}
    rows |= {"sha256": [hashlib.sha256(key.encode()).hexdigest() for key in keys], "rows": [64] * number}
    table = pa.table(rows).sort_by("file_name").combine_chunks()
    options = Options().to_json()
    head = make_head(
        name="set",
        number=1,
        created_at="2026-01-01T00:00:00+00:00",
        digest=content_digest(parquet_bytes(table), options, ()),
        query="true",
        options=options,
        table=table,
    )
    return FrozenSet(head, table)
