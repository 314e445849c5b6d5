"""The direct import: copies labels straight into their table while the file is still being read.

It works only if each row is about one known image, all rows of an image stand together, and no
label of an image comes twice: then no row has to be compared with another one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import orjson

from common.database import Database, queries
from functions.annotations.formats.image_name import IMAGE, ImageName
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_value import Cache
from functions.annotations.storage.copy_rows import MAX_NAMES, time_text, value_text

_IMAGES_SQL = queries(Path(__file__).with_suffix(".sql"))
_NAMES_SQL = queries(Path(__file__).with_name("label_rows.sql"))
_BATCH = 25_000  # rows; one query looks up their images

_ImageLines = tuple[ImageName, list[str]]  # an image, and its lines without the columns that name it


class NotDirectError(Exception):
    """The rows of this file need a staged import."""


class DirectImport:
    """Makes the text of the rows for COPY, batch by batch; afterwards it has their images and number."""

    def __init__(self, database: Database, *, import_id: int, now: datetime) -> None:
        """`database` is used to look up images and names; `now` is the time of rows without one."""
        self._database = database
        self._import_id = import_id
        self._labels, self._annotators = _NameIds(database, "label"), _NameIds(database, "annotator")
        self._values = Cache(value_text)
        self._times: Cache[datetime | None, str] = Cache(time_text)
        self._times[None] = str(now)
        self.images = _ImageIds()
        self.number = 0

    @property
    def are_annotators_new(self) -> bool:
        """Whether none of the annotators has labelled anything before."""
        return self._annotators.are_new

    def batches(self, rows: Iterable[LabelRow], heartbeat: Callable[[], None]) -> Iterator[str]:
        """Blocks of lines; `heartbeat` is called between them.

        Raises NotDirectError if the rows need a staged import; then no row may be stored.
        """
        for batch in self._by_image(rows):
            prefixes = self._prefixes([image for image, _ in batch])
            yield "".join(
                prefix + prefix.join(lines) for prefix, (_, lines) in zip(prefixes, batch, strict=True)
            )
            self.number += sum(len(lines) for _, lines in batch)
            heartbeat()

    def _by_image(self, rows: Iterable[LabelRow]) -> Iterator[list[_ImageLines]]:
        """The lines of each image, without its columns, in batches of about `_BATCH` lines."""
        values, keys = self._values, Cache(self._key)
        batch: list[_ImageLines] = []
        lines: list[str] = []
        last, seen, number = None, set[str](), 0
        for line, image, label, value, annotator, at, control in rows:
            if image is not last and image != last:
                _check_unique(seen, lines)
                number += len(lines)
                if number > _BATCH:
                    yield batch
                    batch, number = [], 0
                last, lines = image, []
                seen.clear()
                batch.append((image, lines))
            if control is not None or len(lines) > _BATCH:
                raise NotDirectError
            key = keys[label, annotator, at]
            seen.add(key)
            # Strings only: garbage collection would visit other objects, and cost a quarter of the time.
            lines.append(f"{line}\t{key}\t{values[value]}\n")
        _check_unique(seen, lines)
        if batch:
            yield batch

    def _key(self, row: tuple[str | None, str, datetime | None]) -> str:
        """The columns of a row that must differ from those of the other rows of its image."""
        label, annotator, at = row
        return f"{self._times[at]}\t{self._labels[label]}\t{self._annotators[annotator]}"

    def _prefixes(self, names: Sequence[ImageName]) -> Iterator[str]:
        """The first columns of the lines of each image."""
        if any(name.level != IMAGE for name in names):
            raise NotDirectError
        # JSON, because the driver takes ten times as long to write arrays.
        columns = [{"uid": name.uid, "frame": name.frame, "path": name.path} for name in names]
        found = self._database.all(_IMAGES_SQL["direct_images"], names=orjson.dumps(columns).decode())
        if len(found) < len(names):
            raise NotDirectError
        ids = [row["image_id"] for row in found]
        self.images.add(ids)
        return (f"{self._import_id}\t{image_id}\t" for image_id in ids)


def _check_unique(seen: set[str], lines: list[str]) -> None:
    """Raise NotDirectError if one image has the same label twice."""
    if len(seen) < len(lines):
        raise NotDirectError


class _ImageIds:
    """A set of image ids with one bit for each id, because a file may have very many images."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, ids: Sequence[int]) -> None:
        """Add ids; NotDirectError if one is already in the set."""
        missing = max(ids, default=0) // 8 + 1 - len(self._bits)
        self._bits.extend(bytes(max(0, missing)))
        for image_id in ids:
            index, bit = image_id // 8, 1 << image_id % 8
            if self._bits[index] & bit:
                raise NotDirectError
            self._bits[index] |= bit

    def __iter__(self) -> Iterator[int]:
        return (
            8 * index + bit for index, bits in enumerate(self._bits) for bit in range(8) if bits >> bit & 1
        )


class _NameIds(dict[str | None, str]):
    """The database ids of names; new names are inserted."""

    def __init__(self, database: Database, kind: str) -> None:
        super().__init__()
        self._database, self._kind = database, kind
        self.are_new = True  # whether all names so far were new

    def __missing__(self, name: str | None) -> str:
        if len(self) >= MAX_NAMES:
            raise NotDirectError
        self.are_new &= self._database.run(_NAMES_SQL[f"new_{self._kind}s"], names=[name]) == 1
        (found,) = self._database.all(_NAMES_SQL[f"{self._kind}_ids"], names=[name])
        number = self[name] = str(found["ids"][0])
        return number
