"""The object store on MinIO, through the S3 API (minio-py 7.2)."""

import io
import logging
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.datatypes import parse_copy_object
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.notificationconfig import (
    NotificationConfig,
    PrefixFilterRule,
    QueueConfig,
    SuffixFilterRule,
)

from common.errors import (
    DependencyAwayError,
    ObjectMissingError,
    PermanentError,
    PipelineError,
    SettingsError,
)
from common.http.complete_responses import CompleteResponses
from common.http.tls import tls_context
from common.store.object_key import Location, beside
from common.store.object_store import ListedObject, Notification, ObjectStore, ObjectVersion

# One PUT up to this size: its etag is then the content's MD5, which every copy keeps. An
# object put in parts has another etag than its copies.
SINGLE_PUT_BYTES = 64 * 1024 * 1024
_MOST_PUT_BYTES = 5 * 1024**3
_SIGNED_FOR = timedelta(hours=1)  # looked at when a request begins
_SENT_BYTES = 256 * 1024  # of a stream at a time
_CHUNK = 1024 * 1024
# urllib3 logs the URL of a request it tries again, and a key in raw may tell a patient.
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)
_MISSING = {"NoSuchKey", "PreconditionFailed", "NoSuchObject"}
_FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
_NAME = {"XMinioInvalidObjectName", "KeyTooLongError", "InvalidBucketName"}


class _Retry(urllib3.Retry):
    """Tries again what failed at once; whoever waited the whole time limit has waited enough."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *rest: Any,
        **named: Any,
    ) -> "_Retry":
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *rest, **named)


class _Client(Minio):
    """minio-py, whose own copy_object asks for the size of every source before it copies."""

    def copy_whole(self, target: Location, source: CopySource) -> str:
        """Copy an object of at most 5 GiB; its etag."""
        headers: dict[str, str | list[str] | tuple[str]] = {**source.gen_copy_headers()}
        answer = self._execute("PUT", target.bucket, object_name=target.key, headers=headers)
        try:
            return parse_copy_object(answer)[0]
        except ValueError:  # S3 may tell of a failure with status 200
            raise DependencyAwayError("The object store failed in the middle of a copy.") from None


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
    ) -> None:
        self._pool = CompleteResponses(
            maxsize=connections,
            blocksize=_SENT_BYTES,
            timeout=urllib3.Timeout(connect=3, read=timeout),
            retries=_Retry(total=2, backoff_factor=0.1, status_forcelist=[500, 502, 504]),
            ssl_context=tls_context(ca_file, "minio_ca_file") if secure else None,
        )
        credentials = (access_key, secret_key)
        try:
            self.client = _Client(
                endpoint, *credentials, secure=secure, http_client=self._pool, region="us-east-1"
            )
        except ValueError:
            raise SettingsError("DCM2SET_MINIO_ENDPOINT is wrong: expected host:port.") from None

    def stat(self, location: Location) -> ObjectVersion:
        with _store_errors(location):
            try:
                found = self.client.stat_object(location.bucket, location.key)
            except S3Error as error:
                # A HEAD has no body to say more: 400 is a key that is too long or ill-formed.
                if error.code == "BadRequest":
                    raise _no_such_name(location) from None
                raise
            return ObjectVersion(location, found.etag or "", found.size or 0)

    def read(self, version: ObjectVersion) -> bytes:
        with _store_errors(version.location), self._opened(version) as response:
            return bytes(response.read())

    def stream(self, version: ObjectVersion) -> Generator[bytes]:
        with _store_errors(version.location), self._opened(version) as response:
            yield from response.stream(_CHUNK)

    def read_now(self, location: Location) -> bytes:
        with _store_errors(location), self._answer(location, {}) as response:
            return bytes(response.read())

    def download(self, version: ObjectVersion, path: Path) -> None:
        with _store_errors(version.location), self._opened(version) as response, path.open("wb") as file:
            for chunk in response.stream(_CHUNK):
                with _space():
                    file.write(chunk)

    def put(self, location: Location, data: bytes | Path, *, content_type: str) -> ObjectVersion:
        if isinstance(data, Path):
            with data.open("rb") as file:
                return self._put(location, file, data.stat().st_size, content_type)
        return self._put(location, io.BytesIO(data), len(data), content_type)

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        # minio-py would hold up to 64 MiB of it in memory, a whole part. A PUT that is signed
        # beforehand takes any stream, and its etag is the content's MD5 up to 5 GiB.
        if size > _MOST_PUT_BYTES:
            return self._put(location, stream, size, "application/octet-stream")
        with _store_errors(location):
            url = self.client.get_presigned_url("PUT", location.bucket, location.key, _SIGNED_FOR)
            headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
            # Half read, a stream can't be sent again.
            body = _Declared(stream, size)
            response = self._pool.urlopen("PUT", url, body=body, headers=headers, retries=False)
            if response.status != 200:
                raise _refused(_code(response), location)
            return ObjectVersion(location, response.headers.get("etag", "").strip('"'), size)

    def _put(self, location: Location, stream: BinaryIO, size: int, content_type: str) -> ObjectVersion:
        with _store_errors(location):
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
        if (there.etag, there.size) == (source.etag, source.size):
            return there
        return self._copied(source, beside(target, source.etag))

    def _copied(self, source: ObjectVersion, target: Location) -> ObjectVersion:
        with _store_errors(source.location):
            origin = CopySource(source.location.bucket, source.location.key, match_etag=source.etag)
            if source.size > _MOST_PUT_BYTES:
                etag = self.client.copy_object(target.bucket, target.key, origin).etag
            else:
                etag = self.client.copy_whole(target, origin)
        # An equal MD5 proves the copy; an object put in parts has none, so its size must do.
        if etag == source.etag:
            return ObjectVersion(target, source.etag, source.size)
        copy = self.stat(target)
        if "-" not in source.etag or copy.size != source.size:
            raise DependencyAwayError("A copy within the object store differs from its source.")
        return copy

    def delete(self, version: ObjectVersion) -> None:
        # MinIO takes no condition with a DELETE (measured), so what was put over it is looked for.
        try:
            there = self.stat(version.location)
        except ObjectMissingError:
            return
        if there.etag == version.etag:
            with _store_errors(version.location):
                self.client.remove_object(version.location.bucket, version.location.key)

    def list_prefix(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        with _store_errors(Location(bucket, prefix)):
            for found in self.client.list_objects(bucket, prefix=prefix, recursive=True):
                location = Location(bucket, found.object_name or "")
                etag = (found.etag or "").strip('"')
                version = ObjectVersion(location, etag, found.size or 0)
                yield ListedObject(version, found.last_modified or datetime.now(UTC))

    def list_top(self, bucket: str) -> list[str]:
        with _store_errors(Location(bucket, "")):
            return [found.object_name or "" for found in self.client.list_objects(bucket)]

    def ensure_bucket(self, bucket: str, notifications: Iterable[Notification] = ()) -> None:
        queues = [_queue(notification) for notification in notifications]
        with _store_errors(Location(bucket, "")):
            try:
                self.client.make_bucket(bucket)
            except S3Error as error:
                if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise
            if queues:
                self.client.set_bucket_notification(bucket, NotificationConfig(queue_config_list=queues))

    def ping(self) -> None:
        # Of all requests that prove the user's keys, the one that tells least of the bucket.
        with _store_errors(Location("raw", "")):
            self.client.get_bucket_versioning("raw")

    def _opened(self, version: ObjectVersion) -> AbstractContextManager[Any]:
        return self._answer(version.location, {"If-Match": version.etag})

    @contextmanager
    def _answer(self, location: Location, headers: dict[str, str]) -> Iterator[Any]:
        response = self.client.get_object(location.bucket, location.key, request_headers={**headers})
        try:
            yield response
        finally:
            response.close()
            response.release_conn()


def _queue(notification: Notification) -> QueueConfig:
    return QueueConfig(
        queue=f"arn:minio:sqs::{notification.target.upper()}:webhook",
        events=["s3:ObjectCreated:*"],
        prefix_filter_rule=PrefixFilterRule(notification.prefix) if notification.prefix else None,
        suffix_filter_rule=SuffixFilterRule(notification.suffix) if notification.suffix else None,
    )


class _Declared(io.RawIOBase):
    """A stream that gives as many bytes as declared, or none to the store at all."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(min(size, self._left)) if self._left else b""
        except OSError:
            data = b""
        if self._left and not data:
            raise DependencyAwayError("A stream ended before its declared size.")
        self._left -= len(data)
        return data


@contextmanager
def _space() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DependencyAwayError(
            f"A file can't be written into the temporary folder ({error.strerror}); see TMPDIR."
        ) from None


def _code(response: urllib3.BaseHTTPResponse) -> str:
    """What MinIO's XML says; all else in it names the key."""
    found = re.search(rb"<Code>(\w+)</Code>", response.data)
    return found[1].decode() if found else f"HTTP status {response.status}"


@contextmanager
def _store_errors(location: Location) -> Iterator[None]:
    """Turn the driver's errors into ours, naming the bucket and never the key."""
    try:
        yield
    except PipelineError:
        raise
    except S3Error as error:
        raise _refused(error.code or "", location) from None
    except (ServerError, InvalidResponseError, MinioException, ParseError):
        raise DependencyAwayError("The object store answered with an error.") from None
    except urllib3.exceptions.HTTPError as error:
        raise DependencyAwayError(
            f"The object store does not answer ({type(error).__name__}); see DCM2SET_MINIO_ENDPOINT."
        ) from None
    except OSError:
        raise DependencyAwayError("A stream ended before its declared size.") from None
    except ValueError:
        raise _no_such_name(location) from None


def _refused(code: str, location: Location) -> PipelineError:
    """A request that the store answered with an error."""
    if code in _MISSING:
        return ObjectMissingError(f"The object isn't in bucket {location.bucket}.")
    if code == "NoSuchBucket":
        return DependencyAwayError(f"Bucket {location.bucket} does not exist; dcm2set up creates it.")
    if code in _NAME:
        return _no_such_name(location)
    if code in _FULL:
        return DependencyAwayError(f"The object store is full ({code}); its disk needs room.")
    return DependencyAwayError(f"The object store refused a request ({code}).")


def _no_such_name(location: Location) -> PermanentError:
    return PermanentError(f"Bucket {location.bucket} can't hold an object of that name.")
