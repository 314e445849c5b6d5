"""What a look at a folder found, compared with what earlier looks did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from common.nas import NasFile
from functions.poll_nas.raw_key import junk_cause
from functions.poll_nas.source_rows import GONE, FoundFile, SourceFile, storable


@dataclass(frozen=True)
class Look:
    """One listing of a folder against its rows."""

    listed: Mapping[str, NasFile]  # by path as in the rows
    found: tuple[FoundFile, ...]  # new, of other content, or back after it was gone
    changed: tuple[tuple[int, NasFile], ...]  # waiting, and not as listed before
    gone: tuple[int, ...]  # waiting, and no longer there

    @property
    def skipped(self) -> int:
        """How many were found that are never copied."""
        return sum(each.cause is not None for each in self.found)

    def is_younger_than(self, seconds: float, clock: datetime | None) -> bool:
        """Whether a file was changed so shortly before, by the NAS's clock, that it may change again.

        A time in the future tells of a wrong clock and nothing of the file.
        """
        if clock is None:
            return False
        ages = ((clock - file.modified_at).total_seconds() for file in self.listed.values())
        return any(0 <= age < seconds for age in ages)


def look(listing: Iterable[NasFile], rows: Iterable[SourceFile]) -> Look:
    """Compare a listing with the newest row of each path."""
    known = {row.path: row for row in rows}
    listed = {storable(file.path): file for file in listing}
    return Look(
        listed=listed,
        found=tuple(
            FoundFile(file, _version(known.get(path)), junk_cause(file.path))
            for path, file in listed.items()
            if _is_news(known.get(path), file)
        ),
        changed=tuple(
            (row.id, listed[row.path])
            for row in known.values()
            if row.state == "waiting" and row.path in listed and _differs(row, listed[row.path])
        ),
        gone=tuple(row.id for row in known.values() if row.state == "waiting" and row.path not in listed),
    )


def _is_news(row: SourceFile | None, file: NasFile) -> bool:
    if row is None:
        return True
    if row.state == "waiting" or junk_cause(file.path) is not None:
        return False
    return row.cause == GONE or _differs(row, file)


def _differs(row: SourceFile, file: NasFile) -> bool:
    return (row.size, row.modified_at) != (file.size, file.modified_at)


def _version(row: SourceFile | None) -> int:
    return row.version + 1 if row else 1
