"""One poll: look at each folder, copy the ones that have been quiet, mark the ones that are done."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count
from typing import BinaryIO, cast

from common.errors import DependencyAwayError, PipelineError, TransientError
from common.json_log import log_item
from common.nas import Nas, NasFile
from common.object_key import RAW, Location
from common.object_store import ObjectStore
from functions.poll_nas.raw_key import is_system_folder, junk_cause, raw_key
from functions.poll_nas.source_rows import FoundFile, SourceFile, SourceFolder, SourceRows, storable

ROOT = ""  # the folder of files that lie in none
FAILURES_IN_A_ROW = 3  # one bad file keeps no other waiting; so many tell that a server is away


@dataclass
class FolderReport:
    """What a poll did with one folder, by its id: its name may tell a patient."""

    folder: int
    found: int = 0
    copied: int = 0
    skipped: int = 0
    waiting: int = 0
    cause: str | None = None

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.found or self.copied or self.skipped or self.waiting or self.cause)


@dataclass(frozen=True)
class FolderPoller:
    """The work of poll_nas on its ports."""

    nas: Nas
    store: ObjectStore
    rows: SourceRows
    mark: str | None  # what is added to the name of a processed folder; None: never rename
    quiet_seconds: float

    def poll(self) -> Mapping[str, object]:
        """Look at every folder once. Two polls never run at the same time."""
        with self.rows.lock() as mine:
            if not mine:
                return {"status": "no_updates", "cause": "Another poll is running."}
            names = [name for name in self.nas.list_folders() if not is_system_folder(name)]
            self._repair_marks(set(names))
            new = [name for name in names if not (self.mark and _is_marked(name, self.mark))]
            reports = [self._polled(name) for name in new] + self._polled_root()
        news = [_told(report) for report in reports if report.is_news]
        answer = {"status": "updates" if news else "no_updates", "folders": news}
        return answer | {"marked_folders": len(names) - len(new)}

    def _repair_marks(self, names: set[str]) -> None:
        """A crash after a folder was renamed and before its row knew."""
        there = {storable(name) for name in names}
        for folder in self.rows.planned_marks():
            if folder.mark in there and folder.name not in there:
                self.rows.record_processed(folder, mark=folder.mark)

    def _polled(self, name: str) -> FolderReport:
        """One folder; its faults are its own, the others are polled all the same."""
        folder = self.rows.folder(name)
        report = FolderReport(folder.id)
        try:
            self._look(name, folder, list(self.nas.list_files(name)), report)
        except PipelineError as error:
            report.cause = str(error)
            log_item("poll_nas", folder=folder.id, status="retry", cause=str(error))
        return report

    def _polled_root(self) -> list[FolderReport]:
        """Files that lie in no folder are copied too, but there is nothing to mark."""
        is_empty = next(iter(self.nas.list_files(ROOT)), None) is None
        return [] if is_empty else [self._polled(ROOT)]

    def _look(self, name: str, folder: SourceFolder, listing: list[NasFile], report: FolderReport) -> None:
        known = {file.path: file for file in self.rows.files(folder)}
        found = [
            FoundFile(file, _version(known.get(_name(file))), junk_cause(file.path))
            for file in listing
            if _is_news(known.get(_name(file)), file)
        ]
        changed = [
            (row.id, file)
            for file in listing
            if (row := known.get(_name(file))) and row.state == "waiting" and _differs(row, file)
        ]
        there = {_name(file) for file in listing}
        gone = [row.id for row in known.values() if row.state == "waiting" and row.path not in there]
        report.found = len(found)
        report.skipped = sum(each.cause is not None for each in found)
        folder = self.rows.record_look(folder, found, changed, gone)
        waiting = [file for file in self.rows.files(folder) if file.state == "waiting"]
        quiet_for = (folder.looked_at - folder.quiet_since).total_seconds()
        if found or changed or quiet_for < self.quiet_seconds:
            report.waiting = len(waiting)
            return
        self._copy(name, folder, listing, waiting, report)

    def _copy(
        self,
        name: str,
        folder: SourceFolder,
        listing: list[NasFile],
        waiting: list[SourceFile],
        report: FolderReport,
    ) -> None:
        listed = {_name(file): file for file in listing}
        failures = 0  # in a row
        for row in waiting:
            try:
                self._copy_file(name, folder, row, listed[row.path])
            except PipelineError as error:
                failures += 1
                report.waiting += 1
                report.cause = str(error)
                if failures == FAILURES_IN_A_ROW:
                    raise
            else:
                failures = 0
                report.copied += 1
        if listing and not report.waiting and folder.processed_at is None:
            self._mark(name, folder)
        elif report.copied:
            log_item("poll_nas", folder=folder.id, status="done", copied=report.copied)

    def _copy_file(self, name: str, folder: SourceFolder, row: SourceFile, file: NasFile) -> None:
        """Stream one file into raw; it counts as copied only if exactly its bytes went over."""
        key = raw_key(name, folder.generation, file.path, row.version)
        self.rows.plan_copy(row.id, raw_key=key)
        with self.nas.open(name, file.path) as stream:
            counted = _Counted(stream, size=file.size)
            written = self.store.upload(Location(RAW, key), cast("BinaryIO", counted), size=file.size)
        if not _is_whole(written.etag, counted):
            raise DependencyAwayError("A copy in raw differs from the NAS; the next poll copies it again.")
        self.rows.record_copy(row.id, raw_key=key, etag=written.etag, sha256=counted.sha256.hexdigest())

    def _mark(self, name: str, folder: SourceFolder) -> None:
        marked = None
        if self.mark is not None and name != ROOT:
            marked = self._free_mark(name + self.mark)
            self.rows.plan_mark(folder, mark=marked)
            self.nas.rename_folder(name, marked)
        self.rows.record_processed(folder, mark=marked)
        log_item("poll_nas", folder=folder.id, status="done", outcome="processed")

    def _free_mark(self, name: str) -> str:
        """The marked name, with a number if an earlier folder of that name was marked before."""
        taken = set(self.nas.list_folders())
        numbered = (f"{name}{number}" for number in count(2))
        return next(free for free in chain([name], numbered) if free not in taken)


class _Counted(io.RawIOBase):
    """A stream of a known size that digests what is read from it.

    Refuses a file that turns out longer before its last bytes are handed on, so that no part
    of a growing file ever becomes an object.
    """

    def __init__(self, stream: BinaryIO, *, size: int) -> None:
        self._stream = stream
        self._left = size
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(size)
            self._left -= len(data)
            grew = self._left < 0 or (self._left == 0 and bool(data) and bool(self._stream.read(1)))
        except OSError as error:
            raise DependencyAwayError(f"The NAS can't be read ({type(error).__name__}).") from None
        if grew:
            raise TransientError("A file on the NAS grew while it was copied; the next poll copies it again.")
        self.md5.update(data)
        self.sha256.update(data)
        return data


def _is_whole(etag: str, counted: _Counted) -> bool:
    """An object's etag is the MD5 of its content, unless it was put in parts (then it has a dash)."""
    return "-" in etag or etag == counted.md5.hexdigest()


def _is_marked(name: str, mark: str) -> bool:
    stem, found, number = name.rpartition(mark)
    return bool(found and stem) and (not number or number.isdecimal())


def _is_news(row: SourceFile | None, file: NasFile) -> bool:
    """New, other content under a path that was copied before, or back after it was gone."""
    if row is None:
        return True
    if row.state == "skipped":
        return junk_cause(file.path) is None
    return row.state == "copied" and _differs(row, file)


def _differs(row: SourceFile, file: NasFile) -> bool:
    return (row.size, row.modified_at) != (file.size, file.modified_at)


def _version(row: SourceFile | None) -> int:
    return row.version + 1 if row else 1


def _name(file: NasFile) -> str:
    return storable(file.path)


def _told(report: FolderReport) -> dict[str, object]:
    return {name: value for name, value in vars(report).items() if value not in (0, None)}
