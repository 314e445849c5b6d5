"""Our notification rules of a bucket, beside those that others have set."""

from collections.abc import Iterable

from minio import Minio
from minio.error import S3Error
from minio.notificationconfig import (
    NotificationConfig,
    PrefixFilterRule,
    QueueConfig,
    SuffixFilterRule,
)

from common.errors import SettingsError
from common.store.minio_errors import NOT_OFFERED
from common.store.object_store import Notification

_OURS = "dcm2set-"  # begins the ids of our rules


def set_notifications(client: Minio, bucket: str, wanted: list[Notification]) -> None:
    """Set our rules of a bucket; without any, remove those of an earlier run.

    Raises SettingsError if the server has no such rules, or knows no target of one.
    """
    try:
        rules = merged_rules(client.get_bucket_notification(bucket), wanted)
    except S3Error as error:
        if error.code not in NOT_OFFERED:
            raise
        if not wanted:
            return
        raise SettingsError(
            "The object store has no notification rules: set DCM2SET_STORE_NOTIFICATIONS=false."
        ) from None
    if rules is not None:
        _set_rules(client, bucket, rules)


def _set_rules(client: Minio, bucket: str, rules: NotificationConfig) -> None:
    try:
        client.set_bucket_notification(bucket, rules)
    except S3Error as error:
        if error.code == "InvalidArgument":
            raise SettingsError(
                f"MinIO does not know the target of a notification rule of bucket {bucket}: set the "
                "target in MinIO again, or remove the rule (mc event list, mc event remove)."
            ) from None
        raise


def target_arn(function: str) -> str:
    """The name of a function's webhook, by which rules and MinIO itself call it."""
    return f"arn:minio:sqs::{function.upper()}:webhook"


def merged_rules(
    there: NotificationConfig, notifications: Iterable[Notification]
) -> NotificationConfig | None:
    """The rules of a bucket with ours; None if it has them already.

    A rule is ours by its id, or if it has no id and does the same as one of ours. All other rules stay.
    """
    ours = [_rule(number, notification) for number, notification in enumerate(notifications)]
    wanted = {_content(rule) for rule in ours}
    others = [
        rule
        for rule in there.queue_config_list
        if not _is_ours(rule) and (rule.config_id or _content(rule) not in wanted)
    ]
    before = {(rule.config_id, _content(rule)) for rule in there.queue_config_list if _is_ours(rule)}
    has_others_only = len(there.queue_config_list) == len(others) + len(before)
    if has_others_only and before == {(rule.config_id, _content(rule)) for rule in ours}:
        return None
    return NotificationConfig(
        cloud_func_config_list=there.cloud_func_config_list,
        queue_config_list=[*others, *ours],
        topic_config_list=there.topic_config_list,
    )


def _rule(number: int, notification: Notification) -> QueueConfig:
    return QueueConfig(
        queue=target_arn(notification.target),
        events=["s3:ObjectCreated:*"],
        config_id=f"{_OURS}{notification.target}-{number}",
        prefix_filter_rule=PrefixFilterRule(notification.prefix) if notification.prefix else None,
        suffix_filter_rule=SuffixFilterRule(notification.suffix) if notification.suffix else None,
    )


def _is_ours(rule: QueueConfig) -> bool:
    return (rule.config_id or "").startswith(_OURS)


def _content(rule: QueueConfig) -> tuple[str | None, frozenset[str], str, str]:
    """What a rule does, without its id."""
    prefix, suffix = rule.prefix_filter_rule, rule.suffix_filter_rule
    return (
        rule.queue,
        frozenset(rule.events),
        prefix.value if prefix else "",
        suffix.value if suffix else "",
    )
