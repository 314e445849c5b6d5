"""Writes what was imported of a label file: a long table that holds nothing else of the file."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import IO, BinaryIO, cast

from common.store.object_key import Location
from common.store.object_store import ObjectStore
from functions.annotations.formats.image_name import FILE, IMAGE, ImageName
from functions.annotations.formats.label_file import LabelFile
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_value import Cache
from functions.annotations.formats.refused_row import LineSet

HEADER = b"line,image,level,label,value,annotator,time\n"
_MEMORY = 8 * 1024 * 1024  # bytes; a larger copy is in the temporary folder until it is stored
_BATCH = 5000  # rows
_SPECIAL = re.compile('[",;|]')


class ImportedCopy(AbstractContextManager["ImportedCopy"]):
    """The labels of a file, written down while they are read.

    The copy is made of what was read, and not of the file's text: cells of other columns, refused rows,
    queries of URLs and comments are not in it.
    """

    def __init__(self) -> None:
        self._body: IO[bytes] = tempfile.SpooledTemporaryFile(_MEMORY)  # noqa: SIM115 see __exit__

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._body.close()

    def of(self, file: LabelFile) -> LabelFile:
        """The same file, whose rows are written down when they are read; forgets what was read before."""
        self._body.seek(0)
        self._body.truncate()
        self._body.write(HEADER)
        return replace(file, rows=self._written(file.rows))

    def clear(self) -> None:
        """Forget what was read: nothing of it was stored."""
        self._body.seek(len(HEADER))
        self._body.truncate()

    def store(self, store: ObjectStore, target: Location, refused: LineSet) -> None:
        """Store the copy, without lines that were refused after they had been read."""
        if not refused:
            _upload(store, target, self._body)
            return
        self._body.seek(len(HEADER))
        with tempfile.SpooledTemporaryFile(_MEMORY) as body:
            body.write(HEADER)
            body.writelines(line for line in self._body if int(line.partition(b",")[0]) not in refused)
            _upload(store, target, body)

    def _written(self, rows: Iterator[LabelRow]) -> Iterator[LabelRow]:
        """The rows. Only names of labels and annotators may need the quotation marks of CSV (RFC 4180)."""
        names, times = Cache(_quoted), Cache(_time)

        def after_image(label: tuple[str, float | None, str, datetime | None]) -> str:
            name, value, annotator, at = label
            return f"{names[name]},{value},{names[annotator]},{times[at]}\n"

        endings = Cache(after_image)
        last, cells, lines = None, "", list[str]()
        for row in rows:
            line, image, label, value, annotator, at, _ = row
            if label is not None:  # without a label the row says that an answer is complete
                if image is not last:
                    last, cells = image, _image_cells(image)
                lines.append(f"{line},{cells},{endings[label, value, annotator, at]}")
                if len(lines) == _BATCH:
                    self._body.write("".join(lines).encode())
                    lines.clear()
            yield row
        self._body.write("".join(lines).encode())


def _upload(store: ObjectStore, target: Location, body: IO[bytes]) -> None:
    size = body.tell()
    body.seek(0)
    store.upload(target, cast("BinaryIO", body), size=size)


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"' if _SPECIAL.search(name) else name


def _time(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def _image_cells(image: ImageName) -> str:
    """The cells `image` and `level`."""
    level = IMAGE if image.level == FILE else image.level
    if image.path is not None:
        return f"{image.path},{level}"
    return f"{image.uid},{level}" if image.frame is None else f"{image.uid}/{image.frame},{level}"
