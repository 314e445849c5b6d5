"""minio-py with changes: when a request is tried again, how an object is copied, and conditions."""

import logging
from typing import Any

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.datatypes import parse_copy_object

from common.errors import DependencyAwayError
from common.store.object_key import Location

# urllib3 logs the URL of each request that it tries again; a key in raw may name a patient.
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


class Retry(urllib3.Retry):
    """Does not retry after a timeout: a second try would wait the full time limit again."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *rest: Any,
        **named: Any,
    ) -> "Retry":
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *rest, **named)


class Client(Minio):
    """minio-py with a copy in one request; its own copy_object first requests the size of the source."""

    def remove_damaged(self, location: Location) -> None:
        """Delete the folder of an object on MinIO's disk, without reading the object's description."""
        headers: dict[str, str | list[str] | tuple[str]] = {"x-minio-force-delete": "true"}
        self._execute("DELETE", location.bucket, object_name=location.key, headers=headers)

    def remove_if_match(self, location: Location, etag: str) -> None:
        """Delete an object if it has this etag, where the server knows this condition."""
        headers: dict[str, str | list[str] | tuple[str]] = {"If-Match": f'"{etag}"'}
        self._execute("DELETE", location.bucket, object_name=location.key, headers=headers)

    def put_in_one_request(self, target: Location, body: bytes, headers: dict[str, str]) -> str:
        """Write an object with further headers; returns its etag."""
        own: dict[str, str | list[str] | tuple[str]] = {**headers}
        answer = self._execute("PUT", target.bucket, object_name=target.key, body=body, headers=own)
        return str(answer.headers.get("etag", "")).strip('"')

    def copy_in_one_request(self, target: Location, source: CopySource) -> str:
        """Copy an object of at most 5 GiB; returns its etag."""
        headers: dict[str, str | list[str] | tuple[str]] = {**source.gen_copy_headers()}
        answer = self._execute("PUT", target.bucket, object_name=target.key, headers=headers)
        try:
            return parse_copy_object(answer)[0]
        except ValueError:  # S3 may report a failure with status 200
            raise DependencyAwayError("The object store failed in the middle of a copy.") from None
