"""Unpacks .zip archives, within limits that protect against zip bombs.

The archive's own table of contents is not trusted. Before anything is unpacked, the archive's
size, the number of its files, the sum of their sizes and the compression ratio are checked, and
no file yields more bytes than its declared size. An archive within an archive, an encrypted file
and a compression method that may take any amount of memory are skipped with a cause; an archive
with a name that leads out of it is refused.
"""

import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from common.errors import DependencyAwayError, PermanentError
from common.nas.nas import NasFile
from common.nas.system_names import is_partial_upload
from functions.poll_nas.counted_stream import CountedStream
from functions.poll_nas.raw_key import junk_cause

_CHUNK = 1024 * 1024
_MAX_RATIO = 200  # deflate reaches 1032; images of a single grey level about 150
_TABLE_BYTES_PER_FILE = 512  # of the table of contents, which zipfile reads in one piece
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1  # general purpose bit 0, APPNOTE 4.4.4


@dataclass(frozen=True)
class ArchiveLimits:
    """The largest archive that is unpacked."""

    files: int
    bytes: int  # of the archive, and of all its files unpacked


@dataclass(frozen=True)
class Member:
    """One file in an archive."""

    path: str
    size: int  # bytes, unpacked
    cause: str | None  # why it is skipped
    info: zipfile.ZipInfo = field(repr=False)


@dataclass(frozen=True)
class Archive:
    """An open archive, or a refused one without members."""

    members: tuple[Member, ...]
    outcome: str  # what was done with the archive, or why it was refused
    sha256: str | None = None
    file: zipfile.ZipFile | None = None
    locked: BinaryIO | None = None  # the archive itself, if all its files need a password

    @cached_property
    def folders(self) -> frozenset[str]:
        """The paths of all folders that its files are in."""
        parents = (PurePosixPath(member.path).parents for member in self.members)
        return frozenset(str(parent) for found in parents for parent in found)

    @contextmanager
    def open(self, member: Member) -> Iterator[BinaryIO]:
        """The content of a file; PermanentError if it is damaged in the archive."""
        if self.file is None:
            raise PermanentError("The archive isn't unpacked.")
        with _damage():
            stream = self.file.open(member.info)
        with stream:
            yield cast("BinaryIO", _MemberStream(stream, member.size))


class _RefusedError(Exception):
    """Why an archive isn't unpacked."""


class _BoundedFile(io.RawIOBase):
    """An archive's file; one read returns no more bytes than the table of contents may have."""

    def __init__(self, file: IO[bytes], limits: ArchiveLimits) -> None:
        self._file = file
        self._max_bytes = max(_CHUNK, limits.files * _TABLE_BYTES_PER_FILE)
        self.seek, self.tell = file.seek, file.tell  # type: ignore[method-assign]

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._max_bytes + 1 if size < 0 else min(size, self._max_bytes + 1))
        if len(data) > self._max_bytes:
            raise _RefusedError("its table of contents is larger than DCM2SET_NAS_ARCHIVE_FILES allows")
        return data


class _MemberStream(io.RawIOBase):
    """The content of a file in an archive; PermanentError if it ends before its declared size."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with _damage():
            data = self._stream.read(size)
            self._left -= len(data)
            if not data and size and self._left > 0:
                raise EOFError
        return data


@contextmanager
def _damage() -> Iterator[None]:
    """Turn the errors that zipfile raises for damaged or lying archives into PermanentError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError):
        raise PermanentError("damaged in its archive") from None


@contextmanager
def _temporary_space() -> Iterator[None]:
    """Turn errors of the temporary folder into DependencyAwayError."""
    try:
        yield
    except OSError as error:
        raise DependencyAwayError(
            f"An archive doesn't fit into the temporary folder ({type(error).__name__}); see TMPDIR."
        ) from None


def is_archive(path: str) -> bool:
    """Whether a file has the name of an archive."""
    return path.lower().endswith(".zip")


@contextmanager
def unpacked(
    open_: Callable[[str, str], BinaryIO], folder: str, file: NasFile, limits: ArchiveLimits
) -> Iterator[Archive]:
    """An archive on the NAS, copied to a temporary file that is deleted afterwards."""
    if file.size > limits.bytes:
        yield _refused("it is larger than DCM2SET_NAS_ARCHIVE_MEGABYTES")
        return
    with _temporary_space(), tempfile.TemporaryFile() as copy:
        with open_(folder, file.path) as stream:
            counted = CountedStream(stream, size=file.size)
            while chunk := counted.read(_CHUNK):
                copy.write(chunk)
        sha256 = counted.sha256.hexdigest()
        try:
            archive = zipfile.ZipFile(cast("IO[bytes]", _BoundedFile(copy, limits)))
            members = tuple(_members(archive, limits))
        except _RefusedError as error:
            yield _refused(str(error), sha256)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
            yield _refused("it is damaged or not an archive", sha256)
        else:
            with archive:
                if members and all(member.info.flag_bits & _ENCRYPTED for member in members):
                    copy.seek(0)
                    yield Archive((), "archive with a password", sha256, locked=cast("BinaryIO", copy))
                    return
                yield Archive(members, f"archive, unpacked: {len(members)} files", sha256, archive)


def _members(archive: zipfile.ZipFile, limits: ArchiveLimits) -> Iterator[Member]:
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) > limits.files:
        raise _RefusedError("it holds more files than DCM2SET_NAS_ARCHIVE_FILES")
    size = sum(info.file_size for info in files)
    packed = sum(info.compress_size for info in files)
    if size > limits.bytes:
        raise _RefusedError("unpacked it is larger than DCM2SET_NAS_ARCHIVE_MEGABYTES")
    if size > _MAX_RATIO * max(packed, _CHUNK // _MAX_RATIO):
        raise _RefusedError(f"it is compressed more than {_MAX_RATIO} to 1")
    members = [Member(_path(info.filename), info.file_size, _cause(info), info) for info in files]
    if len({member.path for member in members}) < len(members):
        raise _RefusedError("two of its files have one name")
    yield from members


def _path(name: str) -> str:
    """The path of a file in its archive, without the parts that lead nowhere, as in `./1.dcm`."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or ".." in parts or name.startswith("/"):
        raise _RefusedError("a name in it leads out of it")
    return "/".join(parts)


def _cause(info: zipfile.ZipInfo) -> str | None:
    if is_archive(info.filename):
        return "archive within an archive"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted in its archive"
    if info.compress_type not in _METHODS:
        return "compressed in its archive by another method than deflate"
    if is_partial_upload(info.filename.rpartition("/")[2]):
        return "temporary file"
    return junk_cause(info.filename)


def _refused(why: str, sha256: str | None = None) -> Archive:
    return Archive((), f"archive, not unpacked: {why}", sha256)
