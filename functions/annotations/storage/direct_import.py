"""Labels on the shortest way: copied to where they stay while the file is still being read.

That can be done as long as every row is about one image that is known, no image is come back to, and
nothing is said twice of it: then no row has to be compared with another one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import orjson

from common.database import Database, queries
from functions.annotations.formats.image_name import IMAGE, ImageName
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_value import Remembered
from functions.annotations.storage.copy_rows import MOST_NAMES, time_text, value_text

_SQL = queries(Path(__file__).with_name("label_rows.sql"))
_BATCH = 25_000  # rows; their images are looked up at once


_Said = tuple[ImageName, list[str]]


class NotDirectError(Exception):
    """The rows of this file have to be compared with each other, or with more than the known images."""


class DirectImport:
    """The text of the rows for COPY, batch by batch; afterwards what was in them."""

    def __init__(self, database: Database, *, import_id: int, now: datetime) -> None:
        """`database` is asked for images and names meanwhile; `now` is the time of what tells none."""
        self._database = database
        self._import_id, self._now = import_id, str(now)
        self._labels, self._annotators = _Numbers(database, "labels"), _Numbers(database, "annotators")
        self._values = Remembered(value_text)
        self._times: Remembered[datetime | None, str] = Remembered(time_text)
        self._times[None] = self._now
        self.images = _Images()
        self.number = 0

    @property
    def are_first(self) -> bool:
        """Whether none of the annotators ever labelled anything before."""
        return self._annotators.are_new

    def batches(self, rows: Iterable[LabelRow], heartbeat: Callable[[], None]) -> Iterator[str]:
        """Blocks of lines; `heartbeat` is called between them. NotDirectError: none of them may be kept."""
        for batch in self._by_image(rows):
            begins = self._begins([image for image, _ in batch])
            yield "".join(begin + begin.join(ends) for begin, (_, ends) in zip(begins, batch, strict=True))
            self.number += sum(len(ends) for _, ends in batch)
            heartbeat()

    def _by_image(self, rows: Iterable[LabelRow]) -> Iterator[list[_Said]]:
        """What follows the image in each line, image by image; so many lines at a time."""
        labels, annotators, values, times = self._labels, self._annotators, self._values, self._times
        batch: list[_Said] = []
        ends: list[str] = []
        last, said, number = None, set[str](), 0
        for line, image, label, value, annotator, at, control in rows:
            if image is not last and image != last:
                _check_once(said, ends)
                number += len(ends)
                if number > _BATCH:
                    yield batch
                    batch, number = [], 0
                last, ends = image, []
                said.clear()
                batch.append((image, ends))
            if control is not None or len(ends) > _BATCH:
                raise NotDirectError
            what = f"{times[at]}\t{labels[label]}\t{annotators[annotator]}"
            said.add(what)
            # Texts alone: what a collection of garbage would look at takes a quarter of the time.
            ends.append(f"{line}\t{what}\t{values[value]}\n")
        _check_once(said, ends)
        if batch:
            yield batch

    def _begins(self, names: Sequence[ImageName]) -> Iterator[str]:
        """How the lines of each image begin."""
        if any(name.level != IMAGE for name in names):
            raise NotDirectError
        # JSON, because the driver takes ten times as long to write arrays.
        told = [{"uid": name.uid, "frame": name.frame, "path": name.path} for name in names]
        found = self._database.all(_SQL["straight_images"], names=orjson.dumps(told).decode())
        if len(found) < len(names):
            raise NotDirectError
        ids = [row["image_id"] for row in found]
        self.images.take(ids)
        return (f"{self._import_id}\t{number}\t" for number in ids)


def _check_once(said: set[str], ends: list[str]) -> None:
    """Refuse what was said twice of one image."""
    if len(said) < len(ends):
        raise NotDirectError


class _Images:
    """Numbers of images, a bit each: a file may be about very many."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def take(self, ids: Sequence[int]) -> None:
        """Take note of them; NotDirectError if one was there."""
        missing = max(ids, default=0) // 8 + 1 - len(self._bits)
        self._bits.extend(bytes(max(0, missing)))
        for number in ids:
            place, bit = number // 8, 1 << number % 8
            if self._bits[place] & bit:
                raise NotDirectError
            self._bits[place] |= bit

    def __iter__(self) -> Iterator[int]:
        return (
            8 * place + bit for place, bits in enumerate(self._bits) for bit in range(8) if bits >> bit & 1
        )


class _Numbers(dict[str | None, str]):
    """The database's numbers of names, new ones included."""

    def __init__(self, database: Database, kind: str) -> None:
        super().__init__()
        self._database, self._kind = database, kind
        self.are_new = True  # whether all of them are

    def __missing__(self, name: str | None) -> str:
        if len(self) >= MOST_NAMES:
            raise NotDirectError
        self.are_new &= self._database.run(_SQL[f"new_{self._kind}"], names=[name]) == 1
        (found,) = self._database.all(_SQL[self._kind], names=[name])
        number = self[name] = str(found["ids"][0])
        return number
