"""Where an export is published: a folder, or a prefix in an S3 bucket. A target never overwrites."""

import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from common.errors import BucketMissingError, DependencyAwayError, ObjectMissingError, PermanentError
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from training_set.export.image_files import PART, file_digest

_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".tar": "application/x-tar",
}


class Target(Protocol):
    """A place for files by relative name."""

    @property
    def url(self) -> str:
        """How messages name the target."""

    def names(self) -> set[str]:
        """The names of all files there."""

    def read(self, name: str) -> bytes | None:
        """The content of a small file; None if it is missing."""

    def digest(self, name: str) -> tuple[int, str] | None:
        """Size in bytes and SHA-256 in hex of a file as read back; None if it is missing."""

    def put_new(self, name: str, body: bytes) -> bool:
        """Write a small file unless it exists; whether it was written."""

    def put(self, name: str, source: Path) -> None:
        """Copy a file that does not exist there."""


@dataclass(frozen=True)
class FolderTarget:
    """A folder, for example on a mounted share."""

    folder: Path

    @property
    def url(self) -> str:
        return str(self.folder)

    def names(self) -> set[str]:
        return {
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if not path.is_dir() and path.suffix != PART  # an interrupted copy leaves one
        }

    def read(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError, NotADirectoryError):
            return (self.folder / name).read_bytes()
        return None

    def digest(self, name: str) -> tuple[int, str] | None:
        found = file_digest(self.folder / name)
        return None if found is None else ((self.folder / name).stat().st_size, found)

    def put_new(self, name: str, body: bytes) -> bool:
        path = self._made(name)
        part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
        part.write_bytes(body)
        try:
            os.link(part, path)  # unlike a rename, this fails if the file exists
        except FileExistsError:
            return False
        except OSError:  # a share without hard links
            return self._created(path, body)
        finally:
            part.unlink()
        return True

    def put(self, name: str, source: Path) -> None:
        path = self._made(name)
        part = path.with_name(path.name + PART)
        part.unlink(missing_ok=True)
        with source.open("rb") as read, part.open("wb") as write:
            shutil.copyfileobj(read, write)
            write.flush()
            os.fsync(write.fileno())
        part.replace(path)

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @staticmethod
    def _created(path: Path, body: bytes) -> bool:
        try:
            with path.open("xb") as file:
                file.write(body)
        except FileExistsError:
            return False
        return True


@dataclass(frozen=True)
class S3Target:
    """A prefix in a bucket of any S3 store."""

    store: ObjectStore
    bucket: str
    prefix: str  # without / at its ends; may be empty

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def names(self) -> set[str]:
        begin = f"{self.prefix}/" if self.prefix else ""
        listed = self.store.list_prefix(self.bucket, begin)
        return {found.version.location.key.removeprefix(begin) for found in listed}

    def read(self, name: str) -> bytes | None:
        try:
            return self.store.read_now(self._location(name))
        except ObjectMissingError:
            return None

    def digest(self, name: str) -> tuple[int, str] | None:
        digest, size = hashlib.sha256(), 0
        try:
            for piece in self.store.stream(self.store.stat(self._location(name))):
                digest.update(piece)
                size += len(piece)
        except ObjectMissingError:
            return None
        return size, digest.hexdigest()

    def put_new(self, name: str, body: bytes) -> bool:
        return self.store.put_new(self._location(name), body, content_type=_type(name)) is not None

    def put(self, name: str, source: Path) -> None:
        self.store.put(self._location(name), source, content_type=_type(name))

    def _location(self, name: str) -> Location:
        return Location(self.bucket, f"{self.prefix}/{name}" if self.prefix else name)


def target_error(error: Exception, target: Target) -> Exception:
    """Return an error of a target in words that name the target, not the home's store."""
    if isinstance(error, BucketMissingError):
        return PermanentError(f"The bucket of {target.url} does not exist. Create it first.")
    if isinstance(error, DependencyAwayError):
        words = str(error).partition(";")[0].rstrip(".").replace("The object store", "The store")
        return DependencyAwayError(f"{target.url} can't be written or read. {words}.")
    if isinstance(error, OSError):
        return PermanentError(f"{target.url} can't be written or read ({error.strerror}).")
    return error


def _type(name: str) -> str:
    return _TYPES.get(name[name.rfind(".") :], "application/octet-stream")
