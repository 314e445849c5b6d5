"""The shards of an export: written in order from fetched pictures, listed, and kept if they are right."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow.compute as pc

from common.store.object_key import Location
from common.store.object_store import ObjectStore
from training_set.export.image_files import PART, WantedImage, file_digest, picture_or_cause, write_atomically
from training_set.export.image_locations import ImageLocations
from training_set.formats.shard_format import Row, ShardFormat
from training_set.versions.frozen_set import FrozenSet

SHARDS = "shards.json"
_STATE = SHARDS + PART  # the list while an export is not finished, with the missing images
_ROWS = 1000  # converted to Python at a time
_Fetched = tuple[int, Row, bytes | str]  # index in the table, its row, and the picture or why it is missing


@dataclass(frozen=True)
class Shard:
    """One shard: the images from `first` until before `after` in the table, without the missing ones."""

    file: str  # relative to the folder
    split: str
    number: int  # in its split, from 0
    first: int
    after: int
    images: int
    bytes: int  # of the file
    sha256: str
    missing: dict[str, str] = field(default_factory=dict)  # cause by key


@dataclass
class ShardFiles:
    """Writes the shards of a version. Shards of an earlier run that are right are kept."""

    folder: Path
    form: ShardFormat
    shard_bytes: int  # of pictures, from which a shard ends
    store: ObjectStore
    at_a_time: int
    frozen: FrozenSet
    locations: ImageLocations
    advance: Callable[[], None]  # called for each image
    _known: dict[tuple[str, int], Shard] = field(default_factory=dict, init=False)

    def write_all(self) -> tuple[list[Shard], dict[str, str]]:
        """Write or keep all shards, under temporary names. Return them and the causes of missing images."""
        self._known = {(each.split, each.number): each for each in self._read_list()}
        shards: list[Shard] = []
        missing: dict[str, str] = {}
        for split in sorted(self.frozen.splits):
            shards += self._write_split(split, missing)
        return shards, dict(sorted(missing.items()))

    def finish(self, shards: list[Shard]) -> tuple[dict[str, Shard], bytes]:
        """Give the shards their names and remove others. Return them by name, and the content of the list."""
        totals = {each.split: sum(other.split == each.split for other in shards) for each in shards}
        named: dict[str, Shard] = {}
        for shard in shards:
            name = self.form.name_of(shard.split, shard.number, totals[shard.split])
            (self.folder / shard.file).replace(self.folder / name)
            named[name] = Shard(**{**vars(shard), "file": name, "missing": {}})
        for split in self.frozen.head["settings"]["splits"]:
            for path in self.folder.glob(self.form.pattern.format(split=split)):
                if path.relative_to(self.folder).as_posix() not in named:
                    path.unlink()
        return named, _list_body(list(named.values()))

    def _write_split(self, split: str, missing: dict[str, str]) -> Iterator[Shard]:
        first, end = _range_of(self.frozen, split)
        position, number = first, 0
        stream: Generator[_Fetched] | None = None
        while position < end:
            shard = self._kept(split, number, position)
            if shard is not None:
                if stream is not None:
                    stream.close()
                stream = None
                for _ in range(shard.after - position):
                    self.advance()
            else:
                stream = stream or self._fetched(position, end)
                shard = self._written(stream, split, number, position, end)
            missing.update(shard.missing)
            position, number = shard.after, number + 1
            if shard.images:
                self._known[split, shard.number] = shard
                write_atomically(self.folder / _STATE, _list_body(list(self._known.values())))
                yield shard

    def _written(self, stream: Iterator[_Fetched], split: str, number: int, first: int, end: int) -> Shard:
        """Write the next shard from the stream; without a file if all its images are missing."""
        unfinished = self.folder / f"{self.form.prefix}unfinished{PART}"
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        writer = self.form.open(unfinished, self.frozen.table)
        images, size, after, missing = 0, 0, end, {}
        try:
            for index, row, picture in stream:
                self.advance()
                if isinstance(picture, str):
                    missing[row["key"]] = picture
                    continue
                writer.add(row, picture)
                images, size = images + 1, size + len(picture)
                if size >= self.shard_bytes:
                    after = index + 1
                    break
        finally:
            writer.close()
        file = f"{self.form.prefix}{split}-{number:06}{PART}"
        if images:
            unfinished.replace(self.folder / file)
        digest = file_digest(self.folder / file) if images else None
        size = (self.folder / file).stat().st_size if images else 0
        return Shard(file, split, number, first, after, images, size, digest or "", missing)

    def _kept(self, split: str, number: int, first: int) -> Shard | None:
        """Return the shard of an earlier run if its file is right and the same images are missing."""
        known = self._known.get((split, number))
        if known is None or known.first != first or known.images + len(known.missing) != known.after - first:
            return None
        keys = self.frozen.table["key"].slice(first, known.after - first).to_pylist()
        gone = {key: self.locations.missing[key] for key in keys if key in self.locations.missing}
        if not gone.keys() <= known.missing.keys() or not all(
            key in gone or isinstance(self._picture(known.first + keys.index(key)), str)
            for key in known.missing
        ):
            return None
        final = self.form.name_of(split, number, 0).replace("-of-00000", "-of-*")
        for path in (self.folder / known.file, *sorted(self.folder.glob(final))):
            if file_digest(path) == known.sha256:
                return Shard(**{**vars(known), "file": path.relative_to(self.folder).as_posix()})
        return None

    def _fetched(self, first: int, end: int) -> Generator[_Fetched]:
        """Yield images in order with their pictures, fetched in parallel a few ahead."""
        waiting: deque[tuple[int, Row, Future[bytes | str]]] = deque()
        with ThreadPoolExecutor(self.at_a_time) as threads:
            for begin in range(first, end, _ROWS):
                rows = self.frozen.table.slice(begin, min(_ROWS, end - begin)).to_pylist()
                for index, row in enumerate(rows, begin):
                    waiting.append((index, row, threads.submit(self._picture_of, row)))
                    if len(waiting) > 2 * self.at_a_time:
                        index_then, row_then, future = waiting.popleft()
                        yield index_then, row_then, future.result()
            for index, row, future in waiting:
                yield index, row, future.result()

    def _picture(self, index: int) -> bytes | str:
        return self._picture_of(self.frozen.table.slice(index, 1).to_pylist()[0])

    def _picture_of(self, row: Row) -> bytes | str:
        key = row["key"]
        if key not in self.locations.buckets:
            return self.locations.missing[key]
        location = Location(self.locations.buckets[key], key)
        return picture_or_cause(self.store, WantedImage(row["file_name"], key, location, row["sha256"]))

    def _read_list(self) -> list[Shard]:
        for name in (_STATE, SHARDS):
            try:
                return [Shard(**each) for each in orjson.loads((self.folder / name).read_bytes())]
            except (OSError, orjson.JSONDecodeError, TypeError):
                continue
        return []


def _range_of(frozen: FrozenSet, split: str) -> tuple[int, int]:
    """Return the first index of a split and the one after its last; the table is sorted by split."""
    first = pc.index(frozen.table["split"], split).as_py()
    return first, first + pc.sum(pc.equal(frozen.table["split"], split)).as_py()


def _list_body(shards: list[Shard]) -> bytes:
    lines: list[dict[str, Any]] = [asdict(each) for each in shards]
    return orjson.dumps(lines, option=orjson.OPT_INDENT_2) + b"\n"
