"""Rows of files in memory, and what a listing changes in them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from functions.poll_nas.source_rows import FAULT_ENDED, GONE, UPLOAD, UPLOAD_ENDED, ListedFile


@dataclass(frozen=True)
class SourceFile:
    """A row of a file."""

    id: int
    folder_id: int
    path: str
    version: int
    size: int
    modified_at: datetime
    state: str
    cause: str | None = None
    replaces: int | None = None
    blocked: bool = False
    tried_at: datetime | None = None


def is_gone(row: SourceFile, listing: Mapping[str, ListedFile]) -> bool:
    """Whether a listing shows that a waiting file is gone."""
    above = (path for path, file in listing.items() if file.is_blocked and row.path.startswith(f"{path}/"))
    return row.state == "waiting" and row.path not in listing and not any(above)


def as_listed(row: SourceFile, file: ListedFile) -> SourceFile:
    """The row of a waiting file after a listing that has it."""
    if is_changed(row, file):
        cause = file.cause if file.is_blocked else None
        return replace(
            row,
            size=file.size,
            modified_at=file.modified_at,
            blocked=file.is_blocked,
            cause=cause,
            tried_at=None,
        )
    return replace(row, cause=file.cause) if row.blocked else row


def is_changed(row: SourceFile, file: ListedFile | None) -> bool:
    if row.state != "waiting" or file is None:
        return False
    return differs(row, file) or row.blocked != file.is_blocked


def is_news(row: SourceFile | None, file: ListedFile) -> bool:
    if row is None:
        return True
    if row.state == "waiting" or (file.cause is not None and not file.is_blocked):
        return False
    return row.cause in {GONE, UPLOAD_ENDED, FAULT_ENDED} or differs(row, file)


def differs(row: SourceFile, file: ListedFile) -> bool:
    return (row.size, row.modified_at) != (file.size, file.modified_at)


def gone_cause(file: SourceFile) -> str:
    if not file.blocked:
        return GONE
    return UPLOAD_ENDED if file.cause == UPLOAD else FAULT_ENDED
