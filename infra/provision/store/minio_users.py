"""Users of the object store and their policies."""

import io
import json
import ssl
import zipfile
from collections.abc import Mapping
from enum import Enum
from typing import Any

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

REGION = "us-east-1"  # MinIO's default; requests must be signed for it


class _Command(Enum):
    """A request for which minio-py has no method."""

    IMPORT = "import-iam-v2"


def minio_admin(
    *,
    endpoint: str,
    access_key: str,
    secret_key: str,
    secure: bool = False,
    tls: ssl.SSLContext | None = None,
    seconds: float = 10,
) -> MinioAdmin:
    """A client for the administration of the object store, with the operator's keys.

    `seconds` is the timeout of each request.
    """
    return MinioAdmin(
        endpoint=endpoint,
        credentials=StaticProvider(access_key, secret_key),
        secure=secure or tls is not None,
        region=REGION,
        http_client=urllib3.PoolManager(timeout=seconds, ssl_context=tls),
    )


def create_user(admin: MinioAdmin, name: str, password: str, policy: dict[str, Any]) -> None:
    """Create or update a user that has exactly the rights of a policy of the same name.

    The request with the password is encrypted with the operator's key, also without TLS.
    """
    admin.policy_add(name, policy=policy)
    admin.user_add(name, password)
    admin.policy_set(name, user=name)


def create_users(admin: MinioAdmin, passwords: Mapping[str, str], policies: Mapping[str, Any]) -> None:
    """Create or update several users by name, each with a policy of the same name, in one request.

    Deriving the key that hides a password took MinIO and us a third of a second for each user. This request
    has no such protection of its own: it is for TLS and for the loopback address.
    """
    parts = {
        "policies": dict(policies),
        "users": {name: {"secretKey": password, "status": "enabled"} for name, password in passwords.items()},
        "user_mappings": {name: {"version": 1, "policy": name} for name in passwords},
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, part in parts.items():
            file.writestr(f"iam-assets/{name}.json", json.dumps(part))
    answer = admin._url_open(  # noqa: SLF001
        method="PUT",
        command=_Command.IMPORT,  # type: ignore[arg-type]
        body=archive.getvalue(),
    )
    if any(answer.json().get("failed", {}).values()):
        raise MinioAdminException(str(answer.status), "MinIO could not create every user.")
