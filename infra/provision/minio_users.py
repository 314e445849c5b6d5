"""Users of the object store and their policies."""

import ssl
from typing import Any

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider

REGION = "us-east-1"  # MinIO's default; requests must be signed for it


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
    """Create or update a user that has exactly the rights of a policy of the same name."""
    admin.policy_add(name, policy=policy)
    admin.user_add(name, password)
    admin.policy_set(name, user=name)
