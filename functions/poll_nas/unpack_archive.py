"""The files of a .zip archive, within limits against bombs.

An archive's own table of contents is not trusted for what it costs: its size, the number of
files, their sum and how far they were packed are looked at before anything is unpacked, and
each file is cut off where its declared size ends. What an archive must not hold (other
archives, encrypted files, packing that takes memory at will, names that lead out of it) is
told as the cause.
"""

import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from common.errors import DependencyAwayError, PermanentError
from common.nas.nas import NasFile
from functions.poll_nas.counted_stream import CountedStream
from functions.poll_nas.raw_key import junk_cause

_CHUNK = 1024 * 1024
_MOST_RATIO = 200  # deflate reaches 1032; pictures of one grey level about 150
_TABLE_BYTES_PER_FILE = 512  # of the table of contents, which is read as a whole
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1  # general purpose bit 0, APPNOTE 4.4.4


@dataclass(frozen=True)
class ArchiveLimits:
    """What one archive may cost."""

    files: int
    bytes: int  # packed, and unpacked


@dataclass(frozen=True)
class Member:
    """One file in an archive."""

    path: str
    size: int  # bytes, unpacked
    cause: str | None  # why it is skipped
    info: zipfile.ZipInfo = field(repr=False)


@dataclass(frozen=True)
class Archive:
    """An archive that may be unpacked, or none with a cause."""

    members: tuple[Member, ...]
    told: str  # what became of the archive itself
    sha256: str | None = None
    file: zipfile.ZipFile | None = None

    @contextmanager
    def open(self, member: Member) -> Iterator[BinaryIO]:
        """A file's content; PermanentError if the archive is damaged there."""
        if self.file is None:
            raise PermanentError("The archive isn't unpacked.")
        with _damage():
            stream = self.file.open(member.info)
        with stream:
            yield cast("BinaryIO", _Content(stream, member.size))


class _RefusedError(Exception):
    """Why an archive isn't unpacked."""


class _Table(io.RawIOBase):
    """An archive's file, of which no more is read at a time than its table of contents may have."""

    def __init__(self, file: IO[bytes], limits: ArchiveLimits) -> None:
        self._file = file
        self._most = max(_CHUNK, limits.files * _TABLE_BYTES_PER_FILE)
        self.seek, self.tell = file.seek, file.tell  # type: ignore[method-assign]

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._most + 1 if size < 0 else min(size, self._most + 1))
        if len(data) > self._most:
            raise _RefusedError("its table of contents is larger than DCM2SET_NAS_ARCHIVE_FILES allows")
        return data


class _Content(io.RawIOBase):
    """A file in an archive, of exactly its declared size."""

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
    """What zipfile raises on what is damaged or lies about itself."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError):
        raise PermanentError("damaged in its archive") from None


@contextmanager
def _space() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DependencyAwayError(
            f"An archive doesn't fit into the temporary folder ({type(error).__name__}); see TMPDIR."
        ) from None


def is_archive(path: str) -> bool:
    """Whether a file is an archive, judged by its name."""
    return path.lower().endswith(".zip")


@contextmanager
def unpacked(
    open_: Callable[[str, str], BinaryIO], folder: str, file: NasFile, limits: ArchiveLimits
) -> Iterator[Archive]:
    """An archive on the NAS, fetched into a temporary file that is gone afterwards."""
    if file.size > limits.bytes:
        yield _refused("it is larger than DCM2SET_NAS_ARCHIVE_MEGABYTES")
        return
    with _space(), tempfile.TemporaryFile() as place:
        with open_(folder, file.path) as stream:
            counted = CountedStream(stream, size=file.size)
            while piece := counted.read(_CHUNK):
                place.write(piece)
        sha256 = counted.sha256.hexdigest()
        try:
            archive = zipfile.ZipFile(cast("IO[bytes]", _Table(place, limits)))
            members = tuple(_members(archive, limits))
        except _RefusedError as error:
            yield _refused(str(error), sha256)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
            yield _refused("it is damaged, or no archive", sha256)
        else:
            with archive:
                yield Archive(members, f"archive, unpacked: {len(members)} files", sha256, archive)


def _members(archive: zipfile.ZipFile, limits: ArchiveLimits) -> Iterator[Member]:
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) > limits.files:
        raise _RefusedError("it holds more files than DCM2SET_NAS_ARCHIVE_FILES")
    size = sum(info.file_size for info in files)
    packed = sum(info.compress_size for info in files)
    if size > limits.bytes:
        raise _RefusedError("unpacked it is larger than DCM2SET_NAS_ARCHIVE_MEGABYTES")
    if size > _MOST_RATIO * max(packed, _CHUNK // _MOST_RATIO):
        raise _RefusedError(f"it is packed more than {_MOST_RATIO} to 1")
    if len({info.filename for info in files}) < len(files):
        raise _RefusedError("two of its files have one name")
    for info in files:
        if any(part in {"", ".", ".."} for part in info.filename.split("/")):
            raise _RefusedError("a name in it leads out of it")
        yield Member(info.filename, info.file_size, _cause(info), info)


def _cause(info: zipfile.ZipInfo) -> str | None:
    if is_archive(info.filename):
        return "archive within an archive"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted in its archive"
    if info.compress_type not in _PACKINGS:
        return "packed in its archive by another method than deflate"
    return junk_cause(info.filename)


def _refused(why: str, sha256: str | None = None) -> Archive:
    return Archive((), f"archive, not unpacked: {why}", sha256)
