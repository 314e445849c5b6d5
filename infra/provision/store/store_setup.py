"""Setup of the object store: buckets, notifications, and one user for each function."""

import ssl
from collections import defaultdict
from typing import Any

from common.store.minio_errors import store_errors
from common.store.minio_store import MinioStore
from common.store.object_key import FIXED_BUCKETS, RAW, Location
from common.store.object_store import Notification
from common.tls import is_loopback
from infra.provision.function_card import IMAGES, FunctionCard, function_cards
from infra.provision.store import minio_users

_ACTIONS = {
    "read": ["s3:GetObject"],
    "write": ["s3:PutObject"],
    "delete": ["s3:DeleteObject"],
    # Tells whether an object exists, and nothing of its content.
    "find": ["s3:GetObjectTagging"],
}
# A health answer uses this request to check the user's keys, because it says nothing about the objects.
_HEALTH_ACTION = "s3:GetBucketVersioning"
# MinIO lets every user create further keys of its own and change its password, unless this is denied.
DENY_ADMIN = {"Effect": "Deny", "Action": ["admin:*"]}


def create_buckets(store: MinioStore, *, images_prefix: str) -> None:
    """Create every fixed bucket, and set the notifications of these and of all image buckets."""
    for bucket in FIXED_BUCKETS:
        store.ensure_bucket(bucket, notifications_of(bucket))
    with store_errors(Location(RAW, "")):
        buckets = store.client.list_buckets()
    for found in buckets:
        if found.name.startswith(images_prefix):
            store.ensure_bucket(found.name, notifications_of(f"{IMAGES}*"))


def notifications_of(bucket: str) -> list[Notification]:
    """The notifications of a bucket, as the cards of the functions define them."""
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
    """Create a user for each function, with the rights of its card; `keys` are the passwords by function.

    No password passes a network as plain text: without TLS to another machine, requests are encrypted.
    """
    admin = minio_users.minio_admin(endpoint=endpoint, access_key=user, secret_key=password, tls=tls)
    cards = {f"dcm2set-{card.function}": card for card in function_cards()}
    passwords = {name: keys[card.function] for name, card in cards.items()}
    policies = {name: policy_of(card, images_prefix=images_prefix) for name, card in cards.items()}
    if tls is not None or is_loopback(endpoint.rpartition(":")[0]):
        minio_users.create_users(admin, passwords, policies)
        return
    for name, policy in policies.items():
        minio_users.create_user(admin, name, passwords[name], policy)


def policy_of(card: FunctionCard, *, images_prefix: str) -> dict[str, Any]:
    """A function's rights as a policy of MinIO."""
    rights = iam_policy_of(card, images_prefix=images_prefix)
    return rights | {"Statement": [*rights["Statement"], DENY_ADMIN]}


def iam_policy_of(card: FunctionCard, *, images_prefix: str) -> dict[str, Any]:
    """A function's rights as an IAM policy of AWS."""
    actions: dict[str, list[str]] = defaultdict(list)
    for right, named in _ACTIONS.items():
        for pattern in card.access.get(right, ()):
            actions[_arn(pattern, images_prefix)] += named
    for bucket in card.access.get("create_buckets", ()):
        actions[_arn(bucket, images_prefix)] += [
            *("s3:CreateBucket", "s3:GetBucketNotification", "s3:PutBucketNotification"),
        ]
    actions[_arn(RAW, images_prefix)] += [_HEALTH_ACTION]
    statements = [
        {"Effect": "Allow", "Action": sorted(set(named)), "Resource": [arn]}
        for arn, named in sorted(actions.items())
    ]
    listings = [_listing(pattern, images_prefix) for pattern in card.access.get("list", ())]
    return {"Version": "2012-10-17", "Statement": [*statements, *listings]}


def _listing(pattern: str, images_prefix: str) -> dict[str, Any]:
    """The right to list the keys below a prefix."""
    bucket, _, prefix = pattern.partition("/")
    statement = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [_arn(bucket, images_prefix)]}
    if prefix == "*":
        return statement
    return statement | {"Condition": {"StringLike": {"s3:prefix": [prefix]}}}


def _arn(pattern: str, images_prefix: str) -> str:
    # Also replaces the prefix in quarantine/images-*, which names objects from image buckets.
    return "arn:aws:s3:::" + pattern.replace(IMAGES, images_prefix)
