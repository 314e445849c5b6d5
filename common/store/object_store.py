"""The port to the object store."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from common.store.object_key import Location


@dataclass(frozen=True)
class ObjectVersion:
    """One content of an object."""

    location: Location
    etag: str
    size: int  # bytes


@dataclass(frozen=True)
class ListedObject:
    """An object in a listing."""

    version: ObjectVersion
    last_modified: datetime  # aware, by the clock of the store


@dataclass(frozen=True)
class Notification:
    """Which function receives events about which new objects of a bucket."""

    target: str  # the function's name
    prefix: str = ""
    suffix: str = ""


class ObjectStore(Protocol):
    """Objects by bucket and key.

    Every method raises DependencyAwayError if the store does not answer or the bucket does not exist, and
    ObjectMissingError if the object does not exist.
    """

    def stat(self, location: Location) -> ObjectVersion:
        """The version that is there now."""

    def exists(self, location: Location) -> bool:
        """Whether an object has the key, also one that listings leave out; needs no right to read it."""

    def has_md5_etag(self, location: Location) -> bool:
        """Whether the object's etag is the MD5 of its content: written in one part, and without SSE-KMS."""

    def read(self, version: ObjectVersion) -> bytes:
        """The complete object, if it is still this version."""

    def stream(self, version: ObjectVersion) -> Generator[bytes]:
        """The object in pieces, if it is still this version; close the generator if you stop early."""

    def read_now(self, location: Location) -> bytes:
        """The complete object, whichever version is there now, in one request."""

    def download(self, version: ObjectVersion, path: Path) -> None:
        """Write the object into a file, in pieces, if it is still this version."""

    def put(self, location: Location, data: bytes | Path, *, content_type: str) -> ObjectVersion:
        """Write an object from memory or from a file; overwrites an existing object."""

    def put_new(self, location: Location, data: bytes, *, content_type: str) -> ObjectVersion | None:
        """Write an object from memory in one request; None, and nothing is written, if the key has one."""

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        """Write an object of `size` bytes from a stream, in pieces."""

    def copy(self, source: ObjectVersion, target: Location, *, overwrite: bool = False) -> ObjectVersion:
        """Copy an object within the store, verify the copy and return it.

        Without `overwrite`, other content at the target stays: the etag of the source is then added to the
        key of the copy. Overwriting is right for objects that can be made again.
        """

    def delete(self, version: ObjectVersion) -> None:
        """Delete an object if it is still this version; no error if it does not exist."""

    def list_prefix(self, bucket: str, prefix: str, *, after: str | None = None) -> Iterator[ListedObject]:
        """The objects whose keys begin with `prefix`, in the order of the bytes of their keys, page by page.

        With `after`, only keys that come after it. MinIO leaves out objects below the key of another object,
        and objects whose description on the disk is damaged.
        """

    def list_top(self, bucket: str) -> list[str]:
        """The first path components in a bucket; folders end in '/'."""

    def ensure_bucket(self, bucket: str, notifications: Iterable[Notification] = ()) -> None:
        """Create a bucket and set our notifications beside those of others; no error if they exist."""

    def ping(self) -> None:
        """Raise unless the store answers."""
