"""The object store on MinIO or another S3 server, through the S3 API (minio-py 7.2).

docs/stores.md says what each server lacks, and what happens here then.
"""

import hashlib
import io
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import urllib3
from minio.commonconfig import CopySource
from minio.error import S3Error
from minio.helpers import check_object_name

from common.complete_responses import CompleteResponses
from common.errors import DependencyAwayError, ObjectMissingError, SettingsError
from common.store.bucket_notifications import set_notifications
from common.store.minio_client import Client, Retry
from common.store.minio_errors import (
    MISSING,
    NOT_OFFERED,
    error_code,
    illegal_name,
    local_file_errors,
    refused_request,
    store_errors,
)
from common.store.object_key import Location, beside
from common.store.object_store import ListedObject, Notification, ObjectStore, ObjectVersion
from common.store.sized_stream import SizedStream
from common.tls import tls_context

# Up to this size an object is written with one PUT. Its etag is then the MD5 of the content, and so is the
# etag of every copy. An object written in parts has another etag than its copies.
SINGLE_PUT_BYTES = 64 * 1024 * 1024
_MAX_PUT_BYTES = 5 * 1024**3
_URL_LIFETIME = timedelta(hours=1)  # checked when a request begins
_BLOCK_BYTES = 256 * 1024  # sent of a stream at a time
_CHUNK = 1024 * 1024


class MinioStore(ObjectStore):
    """One connection pool to one MinIO; safe to share between threads."""

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        secure: bool = False,
        ca_file: Path | None = None,
        timeout: float = 60,
        connections: int = 16,
        region: str = "us-east-1",
        session_token: str | None = None,
        notifications: bool = True,
    ) -> None:
        """`notifications` says whether the server sends them; if not, no rules of ours are set."""
        self.notifications = notifications
        self._pool = CompleteResponses(
            maxsize=connections,
            blocksize=_BLOCK_BYTES,
            timeout=urllib3.Timeout(connect=3, read=timeout),
            # MinIO asks for a minute's wait before a damaged object is read again, which helps nobody.
            retries=Retry(
                total=2,
                backoff_factor=0.1,
                status_forcelist=[500, 502, 504],
                raise_on_status=False,
                respect_retry_after_header=False,
            ),
            ssl_context=tls_context(ca_file, "minio_ca_file") if secure else None,
        )
        credentials = (access_key, secret_key, session_token)
        try:
            self.client = Client(endpoint, *credentials, secure=secure, http_client=self._pool, region=region)
        except ValueError:
            raise SettingsError("DCM2SET_MINIO_ENDPOINT is wrong: expected host:port.") from None

    def stat(self, location: Location) -> ObjectVersion:
        with store_errors(location):
            try:
                found = self.client.stat_object(location.bucket, location.key)
            except S3Error as error:
                # The answer to a HEAD has no body: status 400 means that the key is too long or malformed.
                if error.code == "BadRequest":
                    raise illegal_name(location) from None
                raise
            return ObjectVersion(location, found.etag or "", found.size or 0)

    def exists(self, location: Location) -> bool:
        # The request for an object's tags needs no right to read the object.
        with store_errors(location):
            try:
                self.client.get_object_tags(location.bucket, location.key)
            except S3Error as error:
                if error.code in MISSING:
                    return False
                if error.code in NOT_OFFERED:  # then the user needs the right to read the object
                    return self._is_there(location)
                raise
            return True

    def _is_there(self, location: Location) -> bool:
        try:
            self.stat(location)
        except ObjectMissingError:
            return False
        return True

    def has_md5_etag(self, location: Location) -> bool:
        with store_errors(location):
            found = self.client.stat_object(location.bucket, location.key)
            headers = found.metadata or {}
            return "-" not in (found.etag or "") and not headers.get("x-amz-server-side-encryption")

    def read(self, version: ObjectVersion) -> bytes:
        with store_errors(version.location), self._opened(version) as response:
            return bytes(response.read())

    def stream(self, version: ObjectVersion) -> Generator[bytes]:
        with store_errors(version.location), self._opened(version) as response:
            yield from response.stream(_CHUNK)

    def read_now(self, location: Location) -> bytes:
        with store_errors(location), self._response(location, {}) as response:
            return bytes(response.read())

    def download(self, version: ObjectVersion, path: Path) -> None:
        if 0 < version.size <= _CHUNK:
            content = self.read(version)
            with local_file_errors():
                path.write_bytes(content)
            return
        with store_errors(version.location), self._opened(version) as response, path.open("wb") as file:
            for chunk in response.stream(_CHUNK):
                with local_file_errors():
                    file.write(chunk)

    def put(self, location: Location, data: bytes | Path, *, content_type: str) -> ObjectVersion:
        if isinstance(data, Path):
            with data.open("rb") as file:
                return self._put(location, file, data.stat().st_size, content_type)
        if len(data) > SINGLE_PUT_BYTES:
            return self._put(location, io.BytesIO(data), len(data), content_type)
        with store_errors(location):
            check_object_name(location.key)
            etag = self.client.put_in_one_request(location, data, {"Content-Type": content_type})
            return ObjectVersion(location, etag, len(data))

    def put_new(self, location: Location, data: bytes, *, content_type: str) -> ObjectVersion | None:
        headers = {"Content-Type": content_type, "If-None-Match": "*"}
        with store_errors(location):
            try:
                etag = self.client.put_in_one_request(location, data, headers)
            except S3Error as error:
                if error.code == "PreconditionFailed":
                    return None
                raise
            return ObjectVersion(location, etag, len(data))

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        # minio-py would hold a part of up to 64 MiB in memory. A PUT to a presigned URL takes any stream,
        # and up to 5 GiB its etag is the MD5 of the content.
        if size > _MAX_PUT_BYTES:
            return self._put(location, stream, size, "application/octet-stream")
        with store_errors(location):
            url = self.client.get_presigned_url("PUT", location.bucket, location.key, _URL_LIFETIME)
            headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
            # No retries: a stream that is partly read can't be sent again.
            body = SizedStream(stream, size)
            response = self._pool.urlopen("PUT", url, body=body, headers=headers, retries=False)
            if response.status != 200:
                raise refused_request(error_code(response), location)
            return ObjectVersion(location, response.headers.get("etag", "").strip('"'), size)

    def _put(self, location: Location, stream: BinaryIO, size: int, content_type: str) -> ObjectVersion:
        with store_errors(location):
            written = self.client.put_object(
                location.bucket,
                location.key,
                stream,
                size,
                content_type=content_type,
                part_size=SINGLE_PUT_BYTES,
            )
            return ObjectVersion(location, written.etag or "", size)

    def copy(self, source: ObjectVersion, target: Location, *, overwrite: bool = False) -> ObjectVersion:
        if overwrite:
            return self._copied(source, target)
        try:
            there = self.stat(target)
        except ObjectMissingError:
            return self._copied(source, target)
        if (there.etag, there.size) == (source.etag, source.size) or self._is_same(there, source):
            return there
        return self._copied(source, beside(target, source.etag))

    def _copied(self, source: ObjectVersion, target: Location) -> ObjectVersion:
        with store_errors(source.location):
            origin = CopySource(source.location.bucket, source.location.key, match_etag=source.etag)
            if source.size > _MAX_PUT_BYTES:
                etag = self.client.copy_object(target.bucket, target.key, origin).etag
            else:
                etag = self.client.copy_in_one_request(target, origin)
        # Equal MD5s prove the copy. The etag of an object written in parts is no MD5, so sizes are compared.
        # In a bucket with SSE-KMS no etag is an MD5, and each copy has another, so the contents are compared.
        if etag == source.etag:
            return ObjectVersion(target, source.etag, source.size)
        copy = self.stat(target)
        if copy.size != source.size or not ("-" in source.etag or self._is_same(copy, source)):
            raise DependencyAwayError("A copy within the object store differs from its source.")
        return copy

    def _is_same(self, one: ObjectVersion, other: ObjectVersion) -> bool:
        """Whether two objects with different etags have the same content."""
        return one.size == other.size and self._sha256(one) == self._sha256(other)

    def _sha256(self, version: ObjectVersion) -> bytes:
        digest = hashlib.sha256()
        for piece in self.stream(version):
            digest.update(piece)
        return digest.digest()

    def delete(self, version: ObjectVersion) -> None:
        # MinIO ignores conditions of a DELETE (measured), so the version is checked before, too.
        try:
            if self.stat(version.location).etag != version.etag:
                return
            with store_errors(version.location):
                self.client.remove_if_match(version.location, version.etag)
        except ObjectMissingError:  # or other content is there now
            return

    def delete_damaged(self, location: Location) -> None:
        """Delete an object whose description on the disk MinIO can't read."""
        with store_errors(location):
            self.client.remove_damaged(location)

    def list_prefix(self, bucket: str, prefix: str, *, after: str | None = None) -> Iterator[ListedObject]:
        with store_errors(Location(bucket, prefix)):
            for found in self.client.list_objects(bucket, prefix=prefix, recursive=True, start_after=after):
                location = Location(bucket, found.object_name or "")
                etag = (found.etag or "").strip('"')
                version = ObjectVersion(location, etag, found.size or 0)
                yield ListedObject(version, found.last_modified or datetime.now(UTC))

    def list_top(self, bucket: str) -> list[str]:
        with store_errors(Location(bucket, "")):
            return [found.object_name or "" for found in self.client.list_objects(bucket)]

    def ensure_bucket(self, bucket: str, notifications: Iterable[Notification] = ()) -> None:
        wanted = list(notifications)
        with store_errors(Location(bucket, "")):
            try:
                self.client.make_bucket(bucket)
            except S3Error as error:
                if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise
            if wanted:
                set_notifications(self.client, bucket, wanted if self.notifications else [])

    def ping(self) -> None:
        # Of the requests that need the user's keys, this one reveals least of the bucket.
        with store_errors(Location("raw", "")):
            try:
                self.client.get_bucket_versioning("raw")
            except S3Error as error:
                if error.code not in NOT_OFFERED:  # the server has checked the keys, and has no versions
                    raise

    def _opened(self, version: ObjectVersion) -> AbstractContextManager[Any]:
        return self._response(version.location, {"If-Match": version.etag})

    @contextmanager
    def _response(self, location: Location, headers: dict[str, str]) -> Iterator[Any]:
        response = self.client.get_object(location.bucket, location.key, request_headers={**headers})
        try:
            yield response
        finally:
            response.close()
            response.release_conn()
