"""The object store's buckets, notifications, and one user a function."""

import ssl
from collections import defaultdict
from typing import Any

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider

from common.store.minio_store import MinioStore
from common.store.object_key import FIXED_BUCKETS, RAW
from common.store.object_store import Notification
from infra.provision.function_card import IMAGES, FunctionCard, function_cards

_ACTIONS = {"read": ["s3:GetObject"], "write": ["s3:PutObject"], "delete": ["s3:DeleteObject"]}
# Of what proves a user's keys, it tells least: nothing of what lies in the bucket.
_ASKED_FOR_HEALTH = "s3:GetBucketVersioning"
# MinIO lets every user make further keys of itself and change its password, unless denied.
_NO_ACCOUNTS = {"Effect": "Deny", "Action": ["admin:*"]}


def create_buckets(store: MinioStore, *, images_prefix: str) -> None:
    """Every fixed bucket, and the notifications of all that are there."""
    for bucket in FIXED_BUCKETS:
        store.ensure_bucket(bucket, notifications_of(bucket))
    for found in store.client.list_buckets():
        if found.name.startswith(images_prefix):
            store.ensure_bucket(found.name, notifications_of(f"{IMAGES}*"))


def notifications_of(bucket: str) -> list[Notification]:
    """What the functions' cards ask to be told of a bucket."""
    return [
        Notification(card.function, event.get("prefix", ""), event.get("suffix", ""))
        for card in function_cards()
        for event in card.events
        if event["bucket"] == bucket
    ]


def create_users(
    *,
    endpoint: str,
    user: str,
    password: str,
    keys: dict[str, str],
    images_prefix: str,
    tls: ssl.SSLContext | None = None,
) -> None:
    """A user for each function, named as it is, with what its card says."""
    admin = MinioAdmin(
        endpoint=endpoint,
        credentials=StaticProvider(user, password),
        secure=tls is not None,
        region="us-east-1",
        http_client=urllib3.PoolManager(timeout=10, ssl_context=tls),
    )
    for card in function_cards():
        name = f"dcm2set-{card.function}"
        admin.policy_add(name, policy=policy_of(card, images_prefix=images_prefix))
        admin.user_add(name, keys[card.function])
        admin.policy_set(name, user=name)


def policy_of(card: FunctionCard, *, images_prefix: str) -> dict[str, Any]:
    """A function's rights as an IAM policy."""
    actions: dict[str, list[str]] = defaultdict(list)
    for right, named in _ACTIONS.items():
        for place in card.access.get(right, ()):
            actions[_arn(place, images_prefix)] += named
    for bucket in card.access.get("create_buckets", ()):
        actions[_arn(bucket, images_prefix)] += ["s3:CreateBucket", "s3:PutBucketNotification"]
    actions[_arn(RAW, images_prefix)] += [_ASKED_FOR_HEALTH]
    statements = [
        {"Effect": "Allow", "Action": sorted(set(named)), "Resource": [arn]}
        for arn, named in sorted(actions.items())
    ]
    listed = [_listing(place, images_prefix) for place in card.access.get("list", ())]
    return {"Version": "2012-10-17", "Statement": [*statements, *listed, _NO_ACCOUNTS]}


def _listing(place: str, images_prefix: str) -> dict[str, Any]:
    """The right to see the keys below a prefix."""
    bucket, _, prefix = place.partition("/")
    statement = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [_arn(bucket, images_prefix)]}
    if prefix == "*":
        return statement
    return statement | {"Condition": {"StringLike": {"s3:prefix": [prefix]}}}


def _arn(place: str, images_prefix: str) -> str:
    # quarantine/images-* names the image buckets within the quarantine.
    return "arn:aws:s3:::" + place.replace(IMAGES, images_prefix)
