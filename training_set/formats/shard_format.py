"""What the two forms of shards share: names of files, and how a shard is written and read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

SHARD_FORMS = ("parquet", "webdataset")
Row = Mapping[str, Any]  # one row of images.parquet by column


class ShardWriter(Protocol):
    """Writes one shard, image by image. Equal images give equal bytes."""

    def add(self, row: Row, picture: bytes) -> None:
        """Add the next image with its PNG file."""

    def close(self) -> None:
        """Finish the file."""


@dataclass(frozen=True)
class ShardFormat:
    """One form of shards."""

    name: str
    open: Callable[[Path, pa.Table], ShardWriter]  # the table of all images, which tells the types
    pictures: Callable[[Path], Iterator[tuple[str, bytes]]]  # file_name and PNG file of each image of a shard
    prefix: str  # of the name of every shard, before the split
    pattern: str  # of the names of a split's shards, for README.md; with {split}
    name_of: Callable[[str, int, int], str]  # by split, number from 0, and number of shards of the split
    reading: str  # the card's section on files, without its table


def shard_format(name: str) -> ShardFormat:
    """Return a form by its name, one of SHARD_FORMS."""
    from training_set.formats.parquet_shards import PARQUET
    from training_set.formats.webdataset_shards import WEBDATASET

    return {each.name: each for each in (PARQUET, WEBDATASET)}[name]
