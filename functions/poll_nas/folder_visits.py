"""Which folders a poll visits, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from common.nas.nas import NasFolder
from common.nas.processed_mark import Mark
from common.nas.storable_name import original, storable
from functions.poll_nas.source_rows import KnownFolder

ROOT = ""  # stands for the files that lie in the root, in no folder
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class FolderVisit:
    """One folder that a poll visits."""

    nas_name: str
    key_name: str  # the name it had before it was marked
    row: KnownFolder | None  # None if the folder is new
    listed_time: datetime | None  # the folder's time of change in the listing of the root


@dataclass(frozen=True)
class VisitPlan:
    """The visits of one poll."""

    visits: tuple[FolderVisit, ...]
    marked: int  # number of folders that bear the mark
    unknown: int  # of these, folders that no row has: after a restore, or processed for another database


def planned_visits(
    listed: Iterable[NasFolder], known: Iterable[KnownFolder], *, mark: Mark | None, recheck: int
) -> VisitPlan:
    """Unfinished folders and finished ones that may have changed; the longest unvisited come first.

    The listing of the root has each folder's time of change, which moves when one of the folder's
    own entries is added or removed. So finished folders cost no request of their own. It does not
    show a file in a deeper folder, or other content under the same name: to find these, each poll
    visits `recheck` finished folders that seem unchanged.
    """
    rows = {folder.mark or folder.name: folder for folder in known}
    due, unchanged = [_root(rows.get(ROOT))], list[FolderVisit]()
    marked = unknown = 0
    for folder in listed:
        row = rows.get(storable(folder.name))
        is_marked = mark is not None and mark.is_on(folder.name)
        marked += is_marked
        if row is None and is_marked:
            unknown += 1
            continue  # processed before this database existed
        key_name = original(row.name) if row else folder.name
        visit = FolderVisit(folder.name, key_name, row, folder.modified_at)
        (unchanged if _is_unchanged(visit) else due).append(visit)
    rechecked = sorted(unchanged, key=_last_visit)[:recheck]
    return VisitPlan((*sorted(due, key=_last_visit), *rechecked), marked, unknown)


def _root(row: KnownFolder | None) -> FolderVisit:
    return FolderVisit(ROOT, ROOT, row, None)


def _is_unchanged(visit: FolderVisit) -> bool:
    row = visit.row
    is_done = row is not None and row.processed_at is not None and not row.has_waiting
    return is_done and row is not None and row.listed_time == visit.listed_time


def _last_visit(visit: FolderVisit) -> datetime:
    return visit.row.looked_at if visit.row else _NEVER
