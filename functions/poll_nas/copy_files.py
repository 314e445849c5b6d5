"""Files of one folder into raw, several at a time; each counts once exactly its bytes are there."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import BinaryIO, cast

from common.errors import DependencyAwayError, PermanentError, PipelineError
from common.json_log import log_item
from common.nas import Nas, NasFile
from common.object_key import RAW, Location
from common.object_store import ObjectStore
from functions.poll_nas.counted_stream import CountedStream
from functions.poll_nas.raw_key import raw_key
from functions.poll_nas.source_rows import SourceFile, SourceFolder, SourceRows
from functions.poll_nas.unpack_archive import ArchiveLimits, is_archive, unpacked

FAILURES_IN_A_ROW = 3  # one bad file keeps no other waiting; so many tell that a server is away


@dataclass(frozen=True)
class FolderPlace:
    """A folder under its name on the NAS, and under the one that its keys in raw are made of."""

    nas_name: str
    key_name: str
    row: SourceFolder


@dataclass
class Copies:
    """What became of the files of one folder."""

    copied: int = 0
    skipped: int = 0
    done: int = 0  # files of the NAS that wait no longer
    cause: str | None = None  # of the last failure
    failures: int = 0  # in a row
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_given_up(self) -> bool:
        """Whether so many failed that the others would as well."""
        return self.failures >= FAILURES_IN_A_ROW

    def count(self, copied: int, skipped: int, error: PipelineError | None = None) -> None:
        """One file more, from any thread."""
        with self._lock:
            self.copied += copied
            self.skipped += skipped
            self.done += error is None
            self.failures = self.failures + 1 if error else 0
            self.cause = str(error) if error else self.cause


@dataclass(frozen=True)
class FileCopier:
    """The NAS on one side, the store on the other."""

    nas: Nas
    store: ObjectStore
    rows: SourceRows
    at_a_time: int
    limits: ArchiveLimits

    def copy(
        self,
        place: FolderPlace,
        files: Iterable[tuple[SourceFile, NasFile]],
        is_over: Callable[[], bool],
    ) -> Copies:
        """Copy files until none is left, time is over, or too many fail in a row."""
        copies, left, lock = Copies(), iter(files), Lock()

        def work() -> None:
            while not copies.is_given_up:
                with lock:
                    job = next(left, None)
                if job is None:
                    return
                self._count(copies, place, *job)
                if is_over():  # asked last, so that every poll gets on
                    return

        with ThreadPoolExecutor(self.at_a_time, "copy") as threads:
            for future in [threads.submit(work) for _ in range(self.at_a_time)]:
                future.result()
        return copies

    def _count(self, copies: Copies, place: FolderPlace, row: SourceFile, file: NasFile) -> None:
        try:
            if is_archive(file.path):
                copied, skipped = self._unpack(place, row, file)
            else:
                self._copy(place, row, file)
                copied, skipped = 1, 0
        except PipelineError as error:
            copies.count(0, 0, error)
        else:
            copies.count(copied, skipped)

    def _copy(self, place: FolderPlace, row: SourceFile, file: NasFile) -> None:
        key = self._key(place, file.path, row)
        self.rows.plan_copy(row.id, raw_key=key)
        with self.nas.open(place.nas_name, file.path) as stream:
            self._upload(row.id, key, stream, size=file.size)

    def _unpack(self, place: FolderPlace, row: SourceFile, file: NasFile) -> tuple[int, int]:
        """The files of an archive as files of the folder; returns how many were copied and skipped."""
        copied = skipped = 0
        with unpacked(self.nas.open, place.nas_name, file, self.limits) as archive:
            for member in archive.members:
                path = f"{file.path}/{member.path}"
                key = self._key(place, path, row)
                number = self.rows.plan_unpacked(
                    row.id, path=path, size=member.size, raw_key=key, cause=member.cause
                )
                skipped += member.cause is not None
                if number is None:
                    continue
                try:
                    with archive.open(member) as stream:
                        self._upload(number, key, stream, size=member.size)
                except PermanentError as error:
                    self.rows.record_skipped(number, cause=str(error))
                    skipped += 1
                else:
                    copied += 1
        self.rows.record_skipped(row.id, cause=archive.told, sha256=archive.sha256)
        return copied, skipped + 1

    def _upload(self, file_id: int, key: str, stream: BinaryIO, *, size: int) -> None:
        counted = CountedStream(stream, size=size)
        written = self.store.upload(Location(RAW, key), cast("BinaryIO", counted), size=size)
        if not counted.is_copied_as(written.etag):
            raise DependencyAwayError("A copy in raw differs from the NAS; the next poll copies it again.")
        self.rows.record_copy(file_id, raw_key=key, etag=written.etag, sha256=counted.sha256.hexdigest())
        log_item("poll_nas", source=f"file-{file_id}", status="done", outcome="copied", bytes=size)

    def _key(self, place: FolderPlace, path: str, row: SourceFile) -> str:
        return raw_key(place.key_name, place.row.generation, path, row.version)
