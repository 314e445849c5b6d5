"""The object store in memory; it behaves like MinIO."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import BinaryIO

from common.errors import (
    BucketMissingError,
    DependencyAwayError,
    ObjectMissingError,
    PermanentError,
    UnreadableError,
)
from common.store.object_key import Location, beside
from common.store.object_store import ListedObject, Notification, ObjectStore, ObjectVersion

OnCreated = Callable[[str, str, str, int], None]


@dataclass(frozen=True)
class StoredObject:
    """One object's content."""

    data: bytes
    etag: str
    last_modified: datetime
    content_type: str


@dataclass
class InMemoryObjectStore(ObjectStore):
    """Buckets of objects; safe to share between threads."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    on_created: OnCreated | None = None  # called for each new object: bucket, key, etag, size
    has_kms: bool = False  # whether etags are no MD5s, and differ for each object, as with SSE-KMS
    damaged: set[Location] = field(default_factory=set)  # objects that can be listed but not read
    away: bool = False  # whether every call fails as if the server did not answer
    buckets: dict[str, dict[str, StoredObject]] = field(default_factory=dict)
    notifications: dict[str, list[Notification]] = field(default_factory=dict)
    calls: list[tuple[str, Location]] = field(default_factory=list)  # changes, in order
    _lock: RLock = field(default_factory=RLock, repr=False)

    def stat(self, location: Location) -> ObjectVersion:
        found = self._found(location)
        return ObjectVersion(location, found.etag, len(found.data))

    def exists(self, location: Location) -> bool:
        with self._lock:
            return _checked(location) in self._bucket(location.bucket)

    def has_md5_etag(self, location: Location) -> bool:
        self._found(location)
        return not self.has_kms

    def read(self, version: ObjectVersion) -> bytes:
        self._check_bytes(version.location)
        found = self._found(version.location)
        if found.etag != version.etag:
            raise ObjectMissingError(f"The object isn't in bucket {version.location.bucket}.")
        return found.data

    def stream(self, version: ObjectVersion) -> Generator[bytes]:
        body = self.read(version)
        yield from (body[at : at + 1000] for at in range(0, len(body), 1000))

    def read_now(self, location: Location) -> bytes:
        self._check_bytes(location)
        return self._found(location).data

    def download(self, version: ObjectVersion, path: Path) -> None:
        path.write_bytes(self.read(version))

    def put(self, location: Location, data: bytes | Path, *, content_type: str) -> ObjectVersion:
        body = data.read_bytes() if isinstance(data, Path) else data
        return self._written("put", location, body, content_type)

    def put_new(self, location: Location, data: bytes, *, content_type: str) -> ObjectVersion | None:
        with self._lock:
            return None if self.exists(location) else self.put(location, data, content_type=content_type)

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        data = b""
        while len(data) < size:
            piece = stream.read(size - len(data))
            if not piece:
                raise DependencyAwayError("A stream ended before its declared size.")
            data += piece
        return self._written("put", location, data, "application/octet-stream")

    def copy(self, source: ObjectVersion, target: Location, *, overwrite: bool = False) -> ObjectVersion:
        if not overwrite:
            try:
                there = self.stat(target)
            except ObjectMissingError:
                pass
            else:
                is_same = (there.etag, there.size) == (source.etag, source.size)
                if is_same or (self.has_kms and self.read(there) == self.read(source)):
                    return there
                target = beside(target, source.etag)
        data = self.read(source)
        return self._written("copy", target, data, self._found(source.location).content_type)

    def delete(self, version: ObjectVersion) -> None:
        location = version.location
        with self._lock:
            objects, key = self._bucket(location.bucket), _checked(location)
            if key in objects and objects[key].etag == version.etag:
                del objects[key]
                self.calls.append(("delete", location))

    def list_prefix(self, bucket: str, prefix: str, *, after: str | None = None) -> Iterator[ListedObject]:
        with self._lock:
            objects = sorted(self._bucket(bucket).items(), key=lambda item: item[0].encode())
        for key, found in objects:
            if key.startswith(prefix) and (after is None or key.encode() > after.encode()):
                version = ObjectVersion(Location(bucket, key), found.etag, len(found.data))
                yield ListedObject(version, found.last_modified)

    def list_top(self, bucket: str) -> list[str]:
        with self._lock:
            parts = [key.partition("/") for key in self._bucket(bucket)]
        return sorted({first + slash for first, slash, _ in parts})

    def ensure_bucket(self, bucket: str, notifications: Iterable[Notification] = ()) -> None:
        with self._lock:
            self._answer()
            self.buckets.setdefault(bucket, {})
            given = list(notifications)
            if given:
                self.notifications[bucket] = given

    def ping(self) -> None:
        self._answer()

    def keys(self, bucket: str) -> list[str]:
        """The keys of a bucket, for tests."""
        return sorted(self.buckets[bucket])

    def _answer(self) -> None:
        if self.away:
            raise DependencyAwayError("The object store does not answer; see DCM2SET_MINIO_ENDPOINT.")

    def _check_bytes(self, location: Location) -> None:
        if location in self.damaged:
            raise UnreadableError(f"The object store failed at an object of bucket {location.bucket}.")

    def _bucket(self, name: str) -> dict[str, StoredObject]:
        self._answer()
        if name not in self.buckets:
            raise BucketMissingError(f"Bucket {name} does not exist; dcm2set up creates it.")
        return self.buckets[name]

    def _found(self, location: Location) -> StoredObject:
        with self._lock:
            found = self._bucket(location.bucket).get(_checked(location))
        if found is None:
            raise ObjectMissingError(f"The object isn't in bucket {location.bucket}.")
        return found

    def _written(self, call: str, location: Location, data: bytes, content_type: str) -> ObjectVersion:
        key = f"key {len(self.calls)}".encode() if self.has_kms else b""
        etag = hashlib.md5(key + data, usedforsecurity=False).hexdigest()
        with self._lock:
            bucket = self._bucket(location.bucket)
            bucket[_checked(location)] = StoredObject(data, etag, self.clock(), content_type)
            self.calls.append((call, location))
        if self.on_created is not None:
            self.on_created(location.bucket, location.key, etag, len(data))
        return ObjectVersion(location, etag, len(data))


def _checked(location: Location) -> str:
    """The key, if MinIO accepts it: at most 1024 bytes, 255 a component, no component empty, . or .."""
    parts = location.key.removesuffix("/").split("/")
    is_legal = len(location.key.encode()) <= 1024 and all(
        part not in {"", ".", ".."} and len(part.encode()) <= 255 for part in parts
    )
    if not is_legal:
        raise PermanentError(f"Bucket {location.bucket} can't hold an object of that name.")
    return location.key
