"""Waiting until MinIO knows where it sends its notifications."""

import json
from collections.abc import Iterator
from typing import Any

from common.store.bucket_notifications import target_arn
from infra.provision.store.webhooks import wait_for_targets, webhook_cards

ALL = [target_arn(card.function) for card in webhook_cards()]


class Admin:
    """Answers one after the other, and the last one again and again."""

    def __init__(self, *answers: list[str] | None) -> None:
        self.asked = 0
        self._answers: Iterator[list[str] | None] = iter(answers)
        self._last: list[str] | None = None

    def info(self) -> str:
        self.asked += 1
        self._last = next(self._answers, self._last)
        return json.dumps({"sqsARN": self._last})


def _asked(*answers: list[str] | None, seconds: float = 60) -> int:
    admin: Any = Admin(*answers)
    wait_for_targets(admin, seconds=seconds)
    return int(admin.asked)


def test_it_waits_until_all_targets_are_known() -> None:
    """MinIO has none at first, then some, and those of others too."""
    assert 1 == _asked(["arn:minio:sqs::THEIRS:webhook", *ALL])
    assert 4 == _asked(None, [], ALL[1:], ALL)


def test_it_does_not_wait_for_ever() -> None:
    """A target that was never set is told when a rule is set."""
    assert _asked(ALL[1:], seconds=0.2) >= 2
