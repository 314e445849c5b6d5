"""The object store as the pipeline needs it: a small port."""

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
    """An object as a listing shows it."""

    version: ObjectVersion
    last_modified: datetime  # aware, the store's clock


@dataclass(frozen=True)
class Notification:
    """Which new objects of a bucket are told to which function."""

    target: str  # the function's name
    prefix: str = ""
    suffix: str = ""


class ObjectStore(Protocol):
    """Objects by bucket and key.

    Every method raises DependencyAwayError when the store does not answer, and
    ObjectMissingError when the object or its bucket isn't there.
    """

    def stat(self, location: Location) -> ObjectVersion:
        """What is there now."""

    def read(self, version: ObjectVersion) -> bytes:
        """The whole object, if it is still that version."""

    def stream(self, version: ObjectVersion) -> Generator[bytes]:
        """The object in pieces, if it is still that version; close it if it isn't read to its end."""

    def read_now(self, location: Location) -> bytes:
        """The whole object, whichever version is there now, in one request."""

    def download(self, version: ObjectVersion, path: Path) -> None:
        """The object into a file, in pieces, if it is still that version."""

    def put(self, location: Location, data: bytes | Path, *, content_type: str) -> ObjectVersion:
        """Write an object from memory or from a file, over whatever is there."""

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        """Write an object of `size` bytes from a stream, in pieces."""

    def copy(self, source: ObjectVersion, target: Location, *, overwrite: bool = False) -> ObjectVersion:
        """Copy within the store and verify the copy, which is returned.

        Unless told to overwrite (right for what can be made again), other content stays: if
        the target holds another object, the copy goes beside it, with the source's etag
        added to its key.
        """

    def delete(self, version: ObjectVersion) -> None:
        """Remove an object if it is still that version; one that is gone already is no error."""

    def list_prefix(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """The objects whose key begins with `prefix`, in key order, page by page."""

    def list_top(self, bucket: str) -> list[str]:
        """The first path components in a bucket; folders end in '/'."""

    def ensure_bucket(self, bucket: str, notifications: Iterable[Notification] = ()) -> None:
        """Create a bucket with its notifications; both may be there already."""

    def ping(self) -> None:
        """Raise unless the store answers."""
