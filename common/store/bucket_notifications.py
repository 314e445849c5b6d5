"""Our notification rules of a bucket, beside those that others have set."""

from collections.abc import Iterable

from minio.notificationconfig import (
    NotificationConfig,
    PrefixFilterRule,
    QueueConfig,
    SuffixFilterRule,
)

from common.store.object_store import Notification

_OURS = "dcm2set-"  # begins the ids of our rules


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
        queue=f"arn:minio:sqs::{notification.target.upper()}:webhook",
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
