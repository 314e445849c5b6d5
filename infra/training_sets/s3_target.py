"""The target of a publication from its URL. Keys of S3 come from the environment, never from the home."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from common.errors import PermanentError, SettingsError
from training_set.publish.target import FolderTarget, S3Target, Target

if TYPE_CHECKING:
    from common.store.minio_store import MinioStore

_S3 = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_REGION = "us-east-1"


def open_target(to: str, endpoint: str | None, environment: Mapping[str, str] = os.environ) -> Target:
    """Return the target `s3://bucket/prefix`, or the folder of that name.

    The endpoint of S3 is a URL; without one, `AWS_ENDPOINT_URL` or Amazon's of the region `AWS_REGION`.
    Raises PermanentError for an impossible target, and SettingsError if keys are missing.
    """
    if not to.startswith(_S3):
        if re.match(r"[a-z][a-z0-9+.-]*://", to):
            raise PermanentError(
                f"--to takes a folder or s3://bucket/prefix, not {to.partition('://')[0]}://."
            )
        return FolderTarget(Path(to))
    bucket, _, prefix = to.removeprefix(_S3).partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket) or (prefix and {"", ".", ".."} & set(prefix.split("/"))):
        raise PermanentError("--to needs the form s3://bucket/prefix.")
    return S3Target(_store(endpoint, environment), bucket, prefix)


def _store(endpoint: str | None, environment: Mapping[str, str]) -> "MinioStore":
    from common.store.minio_store import MinioStore

    missing = [name for name in _KEYS if not environment.get(name)]
    if missing:
        raise SettingsError(
            f"Not set: {', '.join(missing)}. A target in S3 needs keys of its own in the environment; "
            "those of the home are not used."
        )
    access_key, secret_key = (environment[name] for name in _KEYS)
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or _REGION
    url = endpoint or environment.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
    host, secure = _endpoint(url)
    ca_file = environment.get("AWS_CA_BUNDLE")
    return MinioStore(
        endpoint=host,
        access_key=access_key,
        secret_key=secret_key,
        secure=secure,
        ca_file=Path(ca_file) if ca_file else None,
        region=region,
        session_token=environment.get("AWS_SESSION_TOKEN") or None,
    )


def _endpoint(url: str) -> tuple[str, bool]:
    """Return host and port of an endpoint, and whether it uses TLS."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.path not in {"", "/"} or parts.username or parts.query:
        raise PermanentError("The endpoint needs the form https://host or https://host:port.")
    return parts.netloc, parts.scheme == "https"
