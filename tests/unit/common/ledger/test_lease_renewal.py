"""A lease is renewed while its worker works, and no longer."""

from collections.abc import Callable
from threading import active_count

import pytest

from common.errors import DependencyAwayError, TransientError
from common.ledger.lease_renewal import renewed_lease
from tests.support.local_home import wait_for

_SECONDS = 0.03  # renewed three times as often


class _Ledger:
    """Answers renewals, by turns if told so."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.asked = 0
        self._answers = list(answers)

    def renew(self) -> bool:
        self.asked += 1
        answer = self._answers.pop(0) if self._answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_it_is_renewed_during_the_block_and_not_afterwards() -> None:
    """Its thread ends with the block."""
    ledger, before = _Ledger(), active_count()
    with renewed_lease(ledger.renew, seconds=_SECONDS) as heartbeat:
        assert wait_for(lambda: ledger.asked >= 3, seconds=10)
        heartbeat()
    assert wait_for(lambda: active_count() == before, seconds=10)


def test_a_ledger_that_is_away_is_asked_again() -> None:
    """That it does not answer takes the item from nobody."""
    ledger = _Ledger(DependencyAwayError("away"), DependencyAwayError("away"))
    with renewed_lease(ledger.renew, seconds=_SECONDS) as heartbeat:
        assert wait_for(lambda: ledger.asked >= 4, seconds=10)
        heartbeat()


def test_who_lost_it_is_told_and_asks_no_more() -> None:
    """Once another worker has the item, long work stops."""
    ledger = _Ledger(True, False)
    with renewed_lease(ledger.renew, seconds=_SECONDS) as heartbeat:
        assert wait_for(lambda: ledger.asked == 2, seconds=10)
        with pytest.raises(TransientError, match="another worker"):
            _until_told(heartbeat)
        assert 2 == ledger.asked


def _until_told(heartbeat: Callable[[], None]) -> None:
    assert wait_for(heartbeat, seconds=10)


def test_work_that_hangs_keeps_nothing() -> None:
    """After the longest time its lease runs out as a lost worker's would."""
    ledger, before = _Ledger(), active_count()
    with renewed_lease(ledger.renew, seconds=_SECONDS, longest_seconds=0) as heartbeat:
        assert wait_for(lambda: active_count() == before, seconds=10)
        assert 0 == ledger.asked
        heartbeat()
