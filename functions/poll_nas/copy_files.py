"""Copies the files of a folder from the NAS into raw, several at once, and verifies each copy."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import BinaryIO, cast

from common.errors import DependencyAwayError, PermanentError, PipelineError
from common.nas.nas import Nas, NasFile
from common.nas.storable_name import original
from common.process.json_log import log_item
from common.store.object_key import RAW, Location
from common.store.object_store import ObjectStore, ObjectVersion
from functions.poll_nas.copy_progress import CopyProgress
from functions.poll_nas.counted_stream import CountedStream
from functions.poll_nas.raw_key import beside_files, locked_archive_key, parents, path_for_key, raw_key
from functions.poll_nas.source_rows import (
    ArchivedFile,
    Copy,
    SourceFolder,
    SourceRows,
    WaitingFile,
)
from functions.poll_nas.unpack_archive import ArchiveLimits, is_archive, unpacked


@dataclass(frozen=True)
class FolderToCopy:
    """A folder, its name on the NAS, and the name used in its keys in raw."""

    nas_name: str
    key_name: str
    row: SourceFolder


@dataclass(frozen=True)
class FileCopier:
    """Copies files from the NAS to the object store; safe to share between threads."""

    nas: Nas
    store: ObjectStore
    rows: SourceRows
    threads: int  # copies at the same time, of all folders
    limits: ArchiveLimits
    _slots: BoundedSemaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_slots", BoundedSemaphore(self.threads))

    def copy(self, folder: FolderToCopy, is_over: Callable[[], bool]) -> CopyProgress:
        """Copy waiting files until none is left, `is_over` says so, or too many fail in a row."""
        progress, jobs, lock = CopyProgress(self.rows.record_copies), self._jobs(folder), Lock()

        def work() -> None:
            while not progress.is_given_up:
                with self._slots:
                    with lock:
                        job = next(jobs, None)
                    if job is None:
                        return
                    self._copy_file(progress, folder, *job)
                if is_over():  # checked after the copy, so that every poll copies something
                    return

        with ThreadPoolExecutor(self.threads, "copy") as threads:
            futures = [threads.submit(work) for _ in range(self.threads)]
        for future in futures:
            try:
                future.result()
            except PipelineError as error:
                progress.fail(error)
        progress.end()
        return progress

    def _jobs(self, folder: FolderToCopy) -> Iterator[tuple[WaitingFile, str]]:
        """Waiting files with their keys in raw; each key is written to the file's row first."""
        for files in self.rows.waiting(folder.row):
            keys = [self._key(folder, original(file.path), file.version) for file in files]
            known = self.rows.known_keys({parent for key in keys for parent in parents(key)})
            jobs = [(file, beside_files(key, known)) for file, key in zip(files, keys, strict=True)]
            self.rows.plan_copies((file.id, key) for file, key in jobs)
            yield from jobs

    def _copy_file(self, progress: CopyProgress, folder: FolderToCopy, file: WaitingFile, key: str) -> None:
        try:
            if is_archive(file.path):
                progress.add_archive(*self._unpack(folder, file))
            else:
                with self.nas.open(folder.nas_name, original(file.path)) as stream:
                    progress.add(self._upload(file.id, key, stream, size=file.size))
        except PipelineError as error:
            progress.fail(error)
            self.rows.record_failed_copy(file.id, cause=str(error))

    def _unpack(self, folder: FolderToCopy, file: WaitingFile) -> tuple[int, int]:
        """Copy the files of an archive as files of the folder; return how many were copied and skipped."""
        copied = skipped = 0
        listed = NasFile(original(file.path), file.size, file.modified_at)
        with unpacked(self.nas.open, folder.nas_name, listed, self.limits) as archive:
            if archive.locked is not None:
                self._copy_locked(folder, file, archive.locked)
                return 1, 0
            for member in archive.members:
                path = f"{listed.path}/{member.path}"
                is_folder_too = member.path in archive.folders
                key = self._key(folder, path_for_key(path, has_name_of_folder=is_folder_too), file.version)
                file_id = self.rows.plan_unpacked(
                    ArchivedFile(file.id, path, member.size, raw_key=key, cause=member.cause)
                )
                skipped += member.cause is not None
                if file_id is None:
                    continue
                try:
                    with archive.open(member) as stream:
                        self.rows.record_copies([self._upload(file_id, key, stream, size=member.size)])
                except PermanentError as error:
                    self.rows.record_skipped(file_id, cause=str(error))
                    skipped += 1
                else:
                    copied += 1
        self.rows.record_skipped(file.id, cause=archive.outcome, sha256=archive.sha256)
        return copied, skipped + 1

    def _copy_locked(self, folder: FolderToCopy, file: WaitingFile, stream: BinaryIO) -> None:
        """Copy an archive with a password as it is: extract quarantines it, so that a person sees it."""
        row = folder.row
        key = locked_archive_key(folder.key_name, row.generation, original(file.path), file.version)
        self.rows.plan_copies([(file.id, key)])
        self.rows.record_copies([self._upload(file.id, key, stream, size=file.size)])

    def _upload(self, file_id: int, key: str, stream: BinaryIO, *, size: int) -> Copy:
        counted = CountedStream(stream, size=size)
        written = self.store.upload(Location(RAW, key), cast("BinaryIO", counted), size=size)
        # In a bucket with SSE-KMS, and of an upload in parts, the ETag is no MD5: the copy is read again.
        if written.etag != counted.md5.hexdigest() and not self._has_digest(written, counted.sha256.digest()):
            raise DependencyAwayError("A copy in raw differs from the NAS; the next poll copies it again.")
        log_item("poll_nas", source=f"file-{file_id}", status="done", outcome="copied", bytes=size)
        return Copy(file_id, key, written.etag, counted.sha256.hexdigest())

    def _has_digest(self, version: ObjectVersion, sha256: bytes) -> bool:
        """Whether the object has this content."""
        digest = hashlib.sha256()
        for piece in self.store.stream(version):
            digest.update(piece)
        return digest.digest() == sha256

    def _key(self, folder: FolderToCopy, path: str, version: int) -> str:
        return raw_key(folder.key_name, folder.row.generation, path, version)
