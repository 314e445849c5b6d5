"""Rows of the folders and files found on the NAS; the state of polling is in these rows, not on the NAS."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

GONE = "gone from the NAS before it was copied"
ABSENT = (
    "The folder is no longer in the NAS root; if the next poll doesn't find it either, its files are closed."
)
UPLOAD_HOURS = 24  # a folder waits for a partial upload until it has not changed for this time
UPLOAD = (
    "A partial upload: the folder waits for the complete file, "
    f"for {UPLOAD_HOURS} hours after the last change in it."
)
UPLOAD_ENDED = "partial upload, completed or removed since"
UPLOAD_GIVEN_UP = f"partial upload that did not change for {UPLOAD_HOURS} hours"
FAULT_ENDED = "could not be listed at first; listed or removed since"


@dataclass(frozen=True)
class SourceFolder:
    """One folder as found on the NAS."""

    id: int
    name: str
    generation: int  # counts folders of the same name
    quiet_since: datetime  # every listing since then was the same
    looked_at: datetime  # start of the last visit
    listed_time: datetime | None  # the folder's time of change on the NAS at the last visit
    processed_at: datetime | None
    mark: str | None  # the folder's name on the NAS since it was processed


@dataclass(frozen=True)
class KnownFolder(SourceFolder):
    """A folder in the listing of the root that already has a row."""

    has_waiting: bool  # whether any of its files is not copied yet


@dataclass(frozen=True)
class ListedFile:
    """A file in the listing of its folder."""

    path: str  # below its folder, as text that Postgres can store
    size: int  # bytes
    modified_at: datetime
    cause: str | None = None  # why it is never copied, or not yet
    is_blocked: bool = False  # whether it can't be copied yet, and waits


@dataclass(frozen=True)
class ListingChanges:
    """What one listing of a folder changed in its rows."""

    folder: SourceFolder  # its row afterwards
    files: int  # number of files in the listing
    found: int  # new files, files with other content, and files that were gone and came back
    skipped: int  # those of `found` that are never copied
    changed: int  # waiting files whose size or time changed
    waiting: int  # files that are not copied yet
    blocked: int = 0  # those of `waiting` that can't be copied yet
    cause: str | None = None  # why one of these can't


@dataclass(frozen=True)
class WaitingFile:
    """One content of a file that is not in raw yet."""

    id: int
    path: str  # below its folder
    version: int  # counts contents under the same path
    size: int  # bytes
    modified_at: datetime
    tried_at: datetime | None = None  # when its copy failed last


@dataclass(frozen=True)
class ArchivedFile:
    """One file inside an archive."""

    archive_id: int
    path: str  # below the archive's folder, the archive's own name included
    size: int  # bytes, unpacked
    raw_key: str
    cause: str | None = None  # why it is skipped; None: it is copied


@dataclass(frozen=True)
class Copy:
    """A file whose bytes are verified in raw."""

    file_id: int
    raw_key: str
    etag: str
    sha256: str


class SourceRows(Protocol):
    """The folders and files found by all polls so far."""

    def lock(self) -> AbstractContextManager[Callable[[], bool] | None]:
        """Hold the poll lock; gives a check whether it is still held, or None if another poll runs."""

    def folder(self, name: str) -> SourceFolder:
        """The folder's newest row; a new row if the folder is new or the last one was marked."""

    def known_folders(self, names: Iterable[str]) -> list[KnownFolder]:
        """The folders that have these names on the NAS now, whether marked or not."""

    def record_listing(
        self, folder: SourceFolder, listed: Iterable[ListedFile], *, listed_time: datetime | None
    ) -> ListingChanges:
        """Compare a listing with the newest row of each path, and store what is new, changed or gone.

        Files below a blocked folder are neither gone nor changed: the listing does not have them.

        The listing is read in batches; nothing is stored if it fails before its end. The folder's
        `quiet_since` is set to now if anything changed.
        """

    def record_failed_visit(self, folder: SourceFolder, *, cause: str) -> None:
        """Record a visit that failed and why, so that the next poll visits other folders first."""

    def record_present(self, names: Iterable[str]) -> int:
        """Compare all folders with the names in a listing of the root.

        The waiting files of a folder that is absent for the second time are skipped as gone; returns
        their number.
        """

    def record_unknown_marks(self, number: int) -> None:
        """Record how many folders with the mark no row has: nobody may take them for copied."""

    def give_up_uploads(self, folder: SourceFolder) -> int:
        """Skip the folder's partial uploads; returns their number."""

    def waiting(self, folder: SourceFolder) -> Iterator[list[WaitingFile]]:
        """The folder's files that wait to be copied, in batches, without blocked and archived ones.

        Files whose copy has not failed come first, then those whose last failure is the longest ago.
        Files whose copy failed since the folder's last visit are left out.
        """

    def known_keys(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys in raw that a file has."""

    def plan_copies(self, keys: Iterable[tuple[int, str]]) -> None:
        """Store the raw keys of files before they are copied, so that no event comes before its row."""

    def record_failed_copy(self, file_id: int, *, cause: str) -> None:
        """Record why a file could not be copied; it still waits."""

    def record_copies(self, copies: Iterable[Copy]) -> None:
        """Record files that are verified in raw, and announce them to extract."""

    def plan_unpacked(self, file: ArchivedFile) -> int | None:
        """Store a row for a file inside an archive before it is copied or skipped.

        Returns the id of its row, or None if it is skipped or already copied.
        """

    def record_skipped(self, file_id: int, *, cause: str, sha256: str | None = None) -> None:
        """Record a file that will not be copied, or an archive whose files are all done."""

    def plan_mark(self, folder: SourceFolder, *, mark: str) -> None:
        """Store the name that the folder is about to get on the NAS."""

    def planned_marks(self) -> list[SourceFolder]:
        """Folders with a planned rename that is not recorded as done; `mark` is the planned name."""

    def record_processed(self, folder: SourceFolder, *, mark: str | None) -> None:
        """Record that every file of the folder is in raw; `mark` is its new name on the NAS."""
