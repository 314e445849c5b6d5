"""Files of one folder into raw, several at a time; each counts once exactly its bytes are there."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, cast

from common.errors import DependencyAwayError, PermanentError, PipelineError
from common.nas.nas import Nas, NasFile
from common.process.json_log import log_item
from common.store.object_key import RAW, Location
from common.store.object_store import ObjectStore
from functions.poll_nas.copy_records import CopyRecords
from functions.poll_nas.counted_stream import CountedStream
from functions.poll_nas.raw_key import raw_key
from functions.poll_nas.source_rows import Copy, SourceFolder, SourceRows, WaitingFile, original
from functions.poll_nas.unpack_archive import ArchiveLimits, is_archive, unpacked


@dataclass(frozen=True)
class FolderPlace:
    """A folder under its name on the NAS, and under the one that its keys in raw are made of."""

    nas_name: str
    key_name: str
    row: SourceFolder


@dataclass(frozen=True)
class FileCopier:
    """The NAS on one side, the store on the other."""

    nas: Nas
    store: ObjectStore
    rows: SourceRows
    at_a_time: int
    limits: ArchiveLimits

    def copy(self, place: FolderPlace, is_over: Callable[[], bool]) -> CopyRecords:
        """Copy what waits until nothing is left, time is over, or too many fail in a row."""
        records, left, lock = CopyRecords(self.rows.record_copies), self._planned(place), Lock()

        def work() -> None:
            while not records.is_given_up:
                with lock:
                    job = next(left, None)
                if job is None:
                    return
                self._do(records, place, *job)
                if is_over():  # asked last, so that every poll gets on
                    return

        with ThreadPoolExecutor(self.at_a_time, "copy") as threads:
            futures = [threads.submit(work) for _ in range(self.at_a_time)]
        for future in futures:
            try:
                future.result()
            except PipelineError as error:
                records.fail(error)
        records.end()
        return records

    def _planned(self, place: FolderPlace) -> Iterator[tuple[WaitingFile, str]]:
        """What waits, with its key in raw."""
        for files in self.rows.waiting(place.row):
            jobs = [(file, self._key(place, original(file.path), file.version)) for file in files]
            self.rows.plan_copies((file.id, key) for file, key in jobs)
            yield from jobs

    def _do(self, records: CopyRecords, place: FolderPlace, file: WaitingFile, key: str) -> None:
        try:
            if is_archive(file.path):
                records.add_archive(*self._unpack(place, file))
            else:
                with self.nas.open(place.nas_name, original(file.path)) as stream:
                    records.add(self._upload(file.id, key, stream, size=file.size))
        except PipelineError as error:
            records.fail(error)

    def _unpack(self, place: FolderPlace, file: WaitingFile) -> tuple[int, int]:
        """The files of an archive as files of the folder; returns how many were copied and skipped."""
        copied = skipped = 0
        listed = NasFile(original(file.path), file.size, file.modified_at)
        with unpacked(self.nas.open, place.nas_name, listed, self.limits) as archive:
            for member in archive.members:
                path = f"{listed.path}/{member.path}"
                key = self._key(place, path, file.version)
                number = self.rows.plan_unpacked(
                    file.id, path=path, size=member.size, raw_key=key, cause=member.cause
                )
                skipped += member.cause is not None
                if number is None:
                    continue
                try:
                    with archive.open(member) as stream:
                        self.rows.record_copies([self._upload(number, key, stream, size=member.size)])
                except PermanentError as error:
                    self.rows.record_skipped(number, cause=str(error))
                    skipped += 1
                else:
                    copied += 1
        self.rows.record_skipped(file.id, cause=archive.told, sha256=archive.sha256)
        return copied, skipped + 1

    def _upload(self, file_id: int, key: str, stream: BinaryIO, *, size: int) -> Copy:
        counted = CountedStream(stream, size=size)
        written = self.store.upload(Location(RAW, key), cast("BinaryIO", counted), size=size)
        if not counted.is_copied_as(written.etag):
            raise DependencyAwayError("A copy in raw differs from the NAS; the next poll copies it again.")
        log_item("poll_nas", source=f"file-{file_id}", status="done", outcome="copied", bytes=size)
        return Copy(file_id, key, written.etag, counted.sha256.hexdigest())

    def _key(self, place: FolderPlace, path: str, version: int) -> str:
        return raw_key(place.key_name, place.row.generation, path, version)
