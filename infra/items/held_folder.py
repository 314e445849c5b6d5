"""The pictures and the table of held items, in a folder that only its owner can read."""

import csv
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from common.errors import ObjectMissingError, PermanentError, PipelineError
from common.process.work_folder import work_folder
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from oversight.audit.audit_log import AuditEvent, record_views
from oversight.audit.spreadsheet import cell
from oversight.held_pictures.drawing import DrawingProcess
from oversight.held_pictures.request import Drawn, Request

_SQL = queries(Path(__file__).with_suffix(".sql"))
TABLE = "held.csv"
_COLUMNS = ("item", "frame", "file", "folder", "device", "cause", "boxes", "note")


@dataclass(frozen=True)
class PictureLimits:
    """How much is drawn of a file."""

    frames: int  # at most; those in which text was found come first
    megabytes: int  # of a file that is drawn at all


@dataclass
class Written:
    """What was written."""

    items: int = 0
    pictures: int = 0
    undrawn: int = 0  # items of which the table says why something is not drawn


def write_held(
    connection: psycopg.Connection[Any],
    store: ObjectStore,
    items: Sequence[int],
    out: Path,
    limits: PictureLimits,
    *,
    who: str,
) -> Written:
    """Write the pictures of held items as `item-N-frame-M.png`, and the table; the audit tells who did it.

    Raises PermanentError if the folder has content, or can't be made.
    """
    _make_private(out)
    rows = connection.cursor(row_factory=dict_row).execute(_SQL["held"], {"items": list(items)}).fetchall()
    record_views(connection, AuditEvent(who, "shell", "write held pictures"), items)
    connection.commit()  # before a picture is written
    written, table = Written(), io.StringIO()
    lines = csv.DictWriter(table, _COLUMNS)
    lines.writeheader()
    for row, drawn in _each_drawn(store, rows, limits):
        for number, body in sorted(drawn.pictures.items()):
            _write_private(out / _name(row, number), body)
        lines.writerows({name: cell(value) for name, value in line.items()} for line in _lines(row, drawn))
        written.items += 1
        written.pictures += len(drawn.pictures)
        written.undrawn += drawn.cause is not None
    _write_private(out / TABLE, table.getvalue().encode())
    return written


def _each_drawn(
    store: ObjectStore, rows: Sequence[dict[str, Any]], limits: PictureLimits
) -> Iterator[tuple[dict[str, Any], Drawn]]:
    """Each item with its pictures; one process draws all of them."""
    with closing(DrawingProcess()) as process:
        for row in rows:
            yield row, _drawn(store, process, row, limits)


def _drawn(store: ObjectStore, process: DrawingProcess, row: dict[str, Any], limits: PictureLimits) -> Drawn:
    """The pictures of one item; never raises for a fault of its file."""
    boxes = row["text_boxes"] or []
    frames = sorted({box["frame"] for box in boxes})
    request = Request(limits.frames, frames, releases=row["releases"], blank=row["blank"] or ())
    with tempfile.TemporaryDirectory(dir=work_folder()) as folder:
        try:
            version = store.stat(Location(row["bucket"], row["key"]))
            if version.size > limits.megabytes * 1024 * 1024:
                return Drawn(cause=f"It has more than {limits.megabytes} MB, so it was not drawn.")
            store.download(version, Path(folder) / "source.dcm")
        except ObjectMissingError:
            return Drawn(cause="Its original is not in the object store.")
        except PipelineError:
            return Drawn(cause="Its original can't be read.")
        return process.draw(Path(folder), request)


def _lines(row: dict[str, Any], drawn: Drawn) -> Iterator[dict[str, Any]]:
    """The lines of an item: one for each picture, or one that says why there is none."""
    line = {"item": row["id"], "folder": row["folder"], "device": row["device"], "cause": row["cause"]}
    left_out = (drawn.frames or 0) - len(drawn.pictures)
    more = f"{left_out} of {drawn.frames} frames are not drawn." if left_out > 0 else None
    note = drawn.cause or more
    if not drawn.pictures:
        yield {**line, "boxes": _boxes(row, None), "note": note or "It has no picture."}
    for number in sorted(drawn.pictures):
        yield {
            **line,
            "frame": number,
            "file": _name(row, number),
            "boxes": _boxes(row, number),
            "note": note,
        }


def _boxes(row: dict[str, Any], frame: int | None) -> str:
    """The places of text in a frame, or in all, each as --blank takes it."""
    found = [box for box in row["text_boxes"] or [] if frame in {None, box["frame"]}]
    return "; ".join(f"{box['left']},{box['top']},{box['width']},{box['height']}" for box in found)


def _name(row: dict[str, Any], frame: int) -> str:
    return f"item-{row['id']}-frame-{frame}.png"


def _make_private(out: Path) -> None:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise PermanentError("The folder of --out has content; choose a new one.")
        out.chmod(0o700)
    except OSError as error:
        raise PermanentError(f"The folder of --out can't be made ({error.strerror}).") from None


def _write_private(path: Path, body: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(body)
