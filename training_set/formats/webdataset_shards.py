"""WebDataset shards: tar files with a PNG file and a JSON file for each image.

The two files of an image have the same name up to the first dot, so keys have no dots
(https://github.com/webdataset/webdataset). Every value has the same type in all images, because `datasets`
takes the types from the first five: missing text is `unknown`, and a missing number is NaN, which Python's
json reads.
"""

import io
import json
import math
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from training_set.formats.shard_format import Row, ShardFormat

_UNKNOWN = "unknown"
_MODE = 0o644


class _TarShard:
    """Writes one tar file. Times and owners are 0, so the bytes depend on the images only."""

    def __init__(self, path: Path, table: pa.Table) -> None:
        self._file = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 # close() closes it
        # Whole numbers with missing values are written as reals, because NaN is one.
        self._reals = {
            column.name
            for column in table.schema
            if pa.types.is_floating(column.type)
            or (pa.types.is_integer(column.type) and table[column.name].null_count)
        }
        self._texts = {
            column.name
            for column in table.schema
            if pa.types.is_string(column.type) or pa.types.is_date(column.type)
        }

    def add(self, row: Row, picture: bytes) -> None:
        key = sample_key(row)
        self._write(f"{key}.json", json.dumps(self._values(row), ensure_ascii=False).encode())
        self._write(f"{key}.png", picture)

    def close(self) -> None:
        self._file.close()

    def _values(self, row: Row) -> dict[str, Any]:
        return {name: self._value(name, value) for name, value in row.items()}

    def _value(self, name: str, value: Any) -> Any:
        if name in self._reals:
            return math.nan if value is None else float(value)
        if name in self._texts:
            return _UNKNOWN if value is None else str(value)
        return value

    def _write(self, name: str, body: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(body), _MODE
        self._file.addfile(member, io.BytesIO(body))


def sample_key(row: Row) -> str:
    """Return the key of an image: the pseudonymous SOP Instance UID with - for dots, and the frame.

    A UID has 64 characters at most (PS3.5 section 9.1), so a name fits into the 100 of a tar header.
    """
    return f"{row['sop_instance_uid'].replace('.', '-')}_{row['frame']}"


def tar_pictures(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every picture in a shard, one in memory at a time.

    Raises tarfile.TarError, ValueError or KeyError if the file is not such a shard.
    """
    with tarfile.open(path, "r:") as file:
        name = ""
        for member in file:
            opened = file.extractfile(member)
            body = opened.read() if opened else b""
            if member.name.endswith(".json"):
                name = json.loads(body)["file_name"]
            else:
                yield name, body


WEBDATASET = ShardFormat(
    name="webdataset",
    open=_TarShard,
    pictures=tar_pictures,
    prefix="",
    pattern="{split}-*.tar",
    name_of=lambda split, number, _: f"{split}-{number:06}.tar",
    reading=(
        "```python\nimport webdataset\n\n"
        'images = webdataset.WebDataset("FOLDER/train-000000.tar", shardshuffle=False).decode("pil")\n'
        'picture, values = next(iter(images.to_tuple("png", "json")))\n```\n'
    ),
)
