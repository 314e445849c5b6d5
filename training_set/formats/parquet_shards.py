"""Parquet shards with the pictures inside, in the layout of the Hugging Face hub.

`datasets` decodes the column `image`, a struct of the file's bytes and its path, because the schema's
metadata says that it is an image (https://huggingface.co/docs/datasets/image_load).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from training_set.formats.shard_format import Row, ShardFormat

_IMAGE = "image"
_IMAGE_TYPE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_GROUP_ROWS = 100  # of a row group: a reader that wants one image reads the group
_GROUP_BYTES = 32 << 20  # of pictures in a row group, which is held in memory
_FEATURES = {"double": "float64"}  # names of types in datasets that differ from Arrow's


class _ParquetShard:
    """Writes one shard, a row group at a time."""

    def __init__(self, path: Path, table: pa.Table) -> None:
        self._schema = shard_schema(table.schema)
        # Pictures are compressed already.
        codecs = dict.fromkeys(table.schema.names, "zstd") | dict.fromkeys(
            (f"{_IMAGE}.bytes", f"{_IMAGE}.path"), "none"
        )
        self._writer = pq.ParquetWriter(
            path, self._schema, compression=codecs, use_dictionary=table.schema.names, write_statistics=False
        )
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: Row, picture: bytes) -> None:
        self._rows.append({_IMAGE: {"bytes": picture, "path": row["file_name"]}, **row})
        self._bytes += len(picture)
        if len(self._rows) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write()

    def close(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._bytes = [], 0


def shard_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a shard: the picture and all columns, with the types that `datasets` reads."""
    features: dict[str, Any] = {_IMAGE: {"_type": "Image"}}
    for column in schema:
        name = str(column.type)
        features[column.name] = {
            "dtype": _FEATURES.get(name, name.split("[", maxsplit=1)[0]),
            "_type": "Value",
        }
    fields = [pa.field(_IMAGE, _IMAGE_TYPE), *(pa.field(each.name, each.type) for each in schema)]
    return pa.schema(fields, metadata={"huggingface": orjson.dumps({"info": {"features": features}})})


def parquet_pictures(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every picture in a shard, a row group in memory at a time.

    Raises pyarrow.ArrowException or KeyError if the file is not such a shard.
    """
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for image in file.read_row_group(group, columns=[_IMAGE])[_IMAGE].to_pylist():
                yield image["path"], image["bytes"]


PARQUET = ShardFormat(
    name="parquet",
    open=_ParquetShard,
    pictures=parquet_pictures,
    prefix="data/",
    pattern="data/{split}-*",
    name_of=lambda split, number, shards: f"data/{split}-{number:05}-of-{shards:05}.parquet",
    reading=(
        "```python\nfrom datasets import load_dataset\n\n"
        'sets = load_dataset("FOLDER")\nsets["train"][0]["image"]\n```\n'
    ),
)
