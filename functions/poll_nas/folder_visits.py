"""Which folders a poll looks into, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from common.nas.nas import NasFolder
from common.nas.processed_mark import Mark
from functions.poll_nas.source_rows import KnownFolder, original, storable

ROOT = ""  # the folder of files that lie in none
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class FolderVisit:
    """One folder to be looked into."""

    nas_name: str
    key_name: str  # the name it had before it was marked
    row: KnownFolder | None  # None if it is new
    listed_time: datetime | None  # its own time of change, as the root's listing tells it


@dataclass(frozen=True)
class Plan:
    """What one poll is going to do."""

    visits: tuple[FolderVisit, ...]
    marked: int  # how many folders bear the mark


def planned_visits(
    listed: Iterable[NasFolder], known: Iterable[KnownFolder], *, mark: Mark | None, recheck: int
) -> Plan:
    """Folders that aren't done, and done ones that may have news; whoever waited longest comes first.

    The root's listing tells for each folder when an entry of its own came or went, so done
    folders cost no request of their own. What it can't tell, a file in a deeper folder or
    another content under an old name, is found by looking into `recheck` of them each time.
    """
    rows = {folder.mark or folder.name: folder for folder in known}
    asked, quiet = [_root(rows.get(ROOT))], list[FolderVisit]()
    marked = 0
    for folder in listed:
        row = rows.get(storable(folder.name))
        is_marked = mark is not None and mark.is_on(folder.name)
        marked += is_marked
        if row is None and is_marked:
            continue  # done before anybody kept rows of it
        key_name = original(row.name) if row else folder.name
        visit = FolderVisit(folder.name, key_name, row, folder.modified_at)
        (quiet if _has_no_news(visit) else asked).append(visit)
    again = sorted(quiet, key=_looked_at)[:recheck]
    return Plan((*sorted(asked, key=_looked_at), *again), marked)


def _root(row: KnownFolder | None) -> FolderVisit:
    return FolderVisit(ROOT, ROOT, row, None)


def _has_no_news(visit: FolderVisit) -> bool:
    row = visit.row
    is_done = row is not None and row.processed_at is not None and not row.has_waiting
    return is_done and row is not None and row.listed_time == visit.listed_time


def _looked_at(visit: FolderVisit) -> datetime:
    return visit.row.looked_at if visit.row else _NEVER
