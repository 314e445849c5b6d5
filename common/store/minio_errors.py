"""Errors of MinIO as errors of the pipeline. They name the bucket, never the key, which may be a NAS path."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

import urllib3
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from common.errors import (
    BucketMissingError,
    DependencyAwayError,
    ObjectMissingError,
    PermanentError,
    PipelineError,
    UnreadableError,
)
from common.store.object_key import Location

MISSING = {"NoSuchKey", "PreconditionFailed", "NoSuchObject"}
# Answers of servers that lack a request of S3, or were started without it.
NOT_OFFERED = {"NotImplemented", "MethodNotAllowed", "VersioningNotConfigured"}
_FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"}
# MinIO answers so if the bytes of one object on its disk are damaged, but also if a disk is away.
_UNREADABLE = {"SlowDownRead", "InternalError"}
_ILLEGAL_NAME = {
    *("XMinioInvalidObjectName", "KeyTooLongError", "InvalidBucketName"),
    # Stores on a file system: an object has the name of a folder, or lies below another object.
    *("ExistingObjectIsDirectory", "ObjectParentIsFile"),
}


@contextmanager
def store_errors(location: Location) -> Iterator[None]:
    """Turn errors of minio-py and urllib3 into errors of the pipeline."""
    try:
        yield
    except PipelineError:
        raise
    except S3Error as error:
        raise refused_request(error.code or "", location) from None
    except ServerError as error:
        if error.status_code == 500:  # the answer to a HEAD has no body
            raise _unreadable("InternalError", location) from None
        raise DependencyAwayError("The object store answered with an error.") from None
    except (InvalidResponseError, MinioException, ParseError):
        raise DependencyAwayError("The object store answered with an error.") from None
    except urllib3.exceptions.HTTPError as error:
        # MinIO breaks off its answer where it finds damaged bytes.
        is_broken_off = isinstance(error, urllib3.exceptions.ProtocolError)
        raise (UnreadableError if is_broken_off else DependencyAwayError)(
            f"The object store does not answer ({type(error).__name__}); see DCM2SET_MINIO_ENDPOINT."
        ) from None
    except OSError:
        raise DependencyAwayError("A stream ended before its declared size.") from None
    except ValueError:
        raise illegal_name(location) from None


@contextmanager
def local_file_errors() -> Iterator[None]:
    """Turn a failure to write a downloaded file into a DependencyAwayError."""
    try:
        yield
    except OSError as error:
        raise DependencyAwayError(
            f"A file can't be written into the temporary folder ({error.strerror}); see TMPDIR."
        ) from None


def refused_request(code: str, location: Location) -> PipelineError:
    """The error for an S3 error code."""
    if code in MISSING:
        return ObjectMissingError(f"The object isn't in bucket {location.bucket}.")
    if code == "NoSuchBucket":
        return BucketMissingError(f"Bucket {location.bucket} does not exist; dcm2set up creates it.")
    if code in _ILLEGAL_NAME:
        return illegal_name(location)
    if code in _FULL:
        return DependencyAwayError(f"The object store is full ({code}); its disk needs room.")
    if code in _UNREADABLE:
        return _unreadable(code, location)
    return DependencyAwayError(f"The object store refused a request ({code}).")


def _unreadable(code: str, location: Location) -> UnreadableError:
    return UnreadableError(
        f"The object store failed at an object of bucket {location.bucket} ({code}). If it does not fail at "
        "others, the object is damaged: see dcm2set reconcile."
    )


def illegal_name(location: Location) -> PermanentError:
    """The error for a key that the store can't hold."""
    return PermanentError(f"Bucket {location.bucket} can't hold an object of that name.")


def error_code(response: urllib3.BaseHTTPResponse) -> str:
    """The S3 error code in MinIO's XML answer; the rest of the XML names the key."""
    found = re.search(rb"<Code>(\w+)</Code>", response.data)
    return found[1].decode() if found else f"HTTP status {response.status}"
