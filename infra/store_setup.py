"""The object store's buckets, notifications, and one user a function."""

from collections import defaultdict
from typing import Any

from minio import MinioAdmin
from minio.credentials.providers import StaticProvider

from common.minio_store import MinioStore
from common.object_key import FIXED_BUCKETS
from common.object_store import Notification
from infra.function_card import IMAGES, FunctionCard, function_cards

_ACTIONS = {"read": ["s3:GetObject"], "write": ["s3:PutObject"], "delete": ["s3:DeleteObject"]}


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
    *, endpoint: str, user: str, password: str, keys: dict[str, str], images_prefix: str
) -> None:
    """A user for each function, named as it is, with what its card says."""
    admin = MinioAdmin(
        endpoint=endpoint, credentials=StaticProvider(user, password), secure=False, region="us-east-1"
    )
    for card in function_cards():
        name = f"dcm2set-{card.function}"
        admin.policy_add(name, policy=policy_of(card, images_prefix=images_prefix))
        admin.user_add(name, keys[card.function])
        admin.policy_set(name, user=name)


def policy_of(card: FunctionCard, *, images_prefix: str) -> dict[str, Any]:
    """A function's rights as an IAM policy."""
    resources: dict[str, list[str]] = defaultdict(list)
    for right, actions in _ACTIONS.items():
        for place in card.access.get(right, ()):
            resources[_arn(place, images_prefix)] += actions
    # Without the right to list, the store answers "forbidden" where nothing is, not "missing".
    reads = [place.partition("/")[0] for place in card.access.get("read", ())]
    for bucket in {*reads, *card.access.get("list", ())}:
        resources[_arn(bucket, images_prefix)] += ["s3:ListBucket", "s3:GetBucketLocation"]
    for bucket in card.access.get("create_buckets", ()):
        resources[_arn(bucket, images_prefix)] += ["s3:CreateBucket", "s3:PutBucketNotification"]
    # The health answer asks whether raw is there.
    resources[_arn("raw", images_prefix)] += ["s3:ListBucket"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": sorted(set(actions)), "Resource": [arn]}
            for arn, actions in sorted(resources.items())
        ],
    }


def _arn(place: str, images_prefix: str) -> str:
    # quarantine/images-* names the image buckets within the quarantine.
    return "arn:aws:s3:::" + place.replace(IMAGES, images_prefix)
