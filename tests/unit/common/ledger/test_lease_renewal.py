"""A lease is renewed while its worker works, and not afterwards."""

from collections.abc import Callable
from threading import active_count

import pytest

from common.errors import DependencyAwayError, TransientError
from common.ledger.lease_renewal import renewed_lease
from tests.support.local_home import wait_for

_SECONDS = 0.03  # renewed three times as often


class _Ledger:
    """Answers renewals, with the given answers first."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.renewals = 0
        self._answers = list(answers)

    def renew(self) -> bool:
        self.renewals += 1
        answer = self._answers.pop(0) if self._answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_it_is_renewed_during_the_block_and_not_afterwards() -> None:
    """The renewing thread ends with the block."""
    ledger, before = _Ledger(), active_count()
    with renewed_lease(ledger.renew, seconds=_SECONDS) as heartbeat:
        assert wait_for(lambda: ledger.renewals >= 3, seconds=10)
        heartbeat()
    assert wait_for(lambda: active_count() == before, seconds=10)


def test_a_ledger_that_is_away_is_asked_again() -> None:
    """While the ledger does not answer, the lease is not lost."""
    ledger = _Ledger(DependencyAwayError("away"), DependencyAwayError("away"))
    with renewed_lease(ledger.renew, seconds=_SECONDS) as heartbeat:
        assert wait_for(lambda: ledger.renewals >= 4, seconds=10)
        heartbeat()


def test_a_lost_lease_stops_long_work() -> None:
    """Once another worker has the item, heartbeat raises and the lease is not renewed again."""
    ledger = _Ledger(True, False)
    with renewed_lease(ledger.renew, seconds=_SECONDS) as heartbeat:
        assert wait_for(lambda: ledger.renewals == 2, seconds=10)
        with pytest.raises(TransientError, match="another worker"):
            _wait_for_error(heartbeat)
        assert 2 == ledger.renewals


def _wait_for_error(heartbeat: Callable[[], None]) -> None:
    assert wait_for(heartbeat, seconds=10)


def test_the_lease_of_hanging_work_runs_out() -> None:
    """After the longest time it is no longer renewed."""
    ledger, before = _Ledger(), active_count()
    with renewed_lease(ledger.renew, seconds=_SECONDS, longest_seconds=0) as heartbeat:
        assert wait_for(lambda: active_count() == before, seconds=10)
        assert 0 == ledger.renewals
        heartbeat()
