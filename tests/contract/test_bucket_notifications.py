"""Notification rules of a real MinIO, on which a user has rules of their own."""

from collections.abc import Iterator

import pytest
from minio.notificationconfig import NotificationConfig, PrefixFilterRule, QueueConfig

from common.errors import SettingsError
from common.store.minio_store import MinioStore
from common.store.object_key import FIXED_BUCKETS, RAW
from common.store.object_store import Notification
from infra.provision.function_card import function_cards
from infra.provision.store.store_setup import create_buckets, notifications_of
from tests.support.own_minio import own_minio

THEIRS = "arn:minio:sqs::THEIRS:webhook"


@pytest.fixture(scope="module")
def minio_with_targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioStore]:
    """A MinIO with a target for each function, and one of the user's."""
    names = [*(card.function.upper() for card in function_cards()), "THEIRS"]
    targets = {f"MINIO_NOTIFY_WEBHOOK_ENABLE_{name}": "on" for name in names}
    targets |= {f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{name}": "http://127.0.0.1:9/" for name in names}
    with own_minio(tmp_path_factory.mktemp("minio"), environment=targets) as (store, _):
        yield store


def _rule(queue: str, name: str | None = None, *, prefix: str = "") -> QueueConfig:
    beginning = PrefixFilterRule(prefix) if prefix else None
    return QueueConfig(
        queue=queue, events=["s3:ObjectCreated:*"], config_id=name, prefix_filter_rule=beginning
    )


def _rules(store: MinioStore, bucket: str) -> list[tuple[str, str, str]]:
    """Target, id and prefix of each rule."""
    found = store.client.get_bucket_notification(bucket).queue_config_list
    return [
        (rule.queue.split(":")[4], rule.config_id or "", getattr(rule.prefix_filter_rule, "value", ""))
        for rule in found
    ]


def test_rules_of_a_user_stay(minio_with_targets: MinioStore) -> None:
    """`up` sets its rules beside a user's own, also beside one for its own target, and sets them once."""
    store = minio_with_targets
    for bucket in FIXED_BUCKETS:
        store.ensure_bucket(bucket)
    mine = _rule(THEIRS, prefix="a/")
    to_ours = _rule("arn:minio:sqs::EXTRACT:webhook", "mine")
    store.client.set_bucket_notification(RAW, NotificationConfig(queue_config_list=[mine, to_ours]))
    create_buckets(store, images_prefix="images-")
    after = _rules(store, RAW)
    assert [("THEIRS", "", "a/"), ("EXTRACT", "mine", "")] == after[:2]
    assert len(after) == 2 + len(notifications_of(RAW))
    calls = []
    store.client.set_bucket_notification = lambda *given: calls.append(given)  # type: ignore[method-assign]
    create_buckets(store, images_prefix="images-")
    del store.client.set_bucket_notification  # type: ignore[misc]
    assert [] == calls
    assert after == _rules(store, RAW)


def test_rules_of_an_earlier_version_are_replaced(minio_with_targets: MinioStore) -> None:
    """Rules that are ours by their id or by what they do are set again; others stay."""
    store = minio_with_targets
    store.ensure_bucket("earlier", [Notification("extract", "old/")])
    same = _rule("arn:minio:sqs::QUALITY:webhook")
    mine = _rule(THEIRS, "mine")
    (ours,) = store.client.get_bucket_notification("earlier").queue_config_list
    config = NotificationConfig(queue_config_list=[ours, same, mine])
    store.client.set_bucket_notification("earlier", config)
    store.ensure_bucket("earlier", [Notification("extract", "new/"), Notification("quality")])
    expected = [
        ("THEIRS", "mine", ""),
        ("EXTRACT", "dcm2set-extract-0", "new/"),
        ("QUALITY", "dcm2set-quality-1", ""),
    ]
    assert expected == _rules(store, "earlier")
    store.ensure_bucket("earlier")
    assert expected == _rules(store, "earlier")


def test_an_unknown_target_is_told(minio_with_targets: MinioStore) -> None:
    """If MinIO does not know a target, the error says what to do."""
    with pytest.raises(
        SettingsError, match="does not know the target of a notification rule of bucket other"
    ):
        minio_with_targets.ensure_bucket("other", [Notification("nobody")])
