"""How long a sweep waits for work."""

from common.settings import Settings
from functions.sweep.resend import FUNCTIONS, sweep_once
from functions.sweep.sweep_times import SweepTimes, sweep_times
from tests.support.sweep_fakes import FakeSender, Pending


def test_without_notifications_a_sweep_waits_for_work() -> None:
    """A sweep finds what is announced while it lasts, lists at intervals only, and then ends without work."""

    class Later(Pending):
        def has_due(self, function: str) -> bool:
            self.due[function] = self.due.get(function, 0) + 1
            return function == "quality" and self.due[function] == 2

    pending, sender = Later(), FakeSender()
    times = SweepTimes(30, watch_seconds=0.7, listing_seconds=60, grace_seconds=0)
    answer = sweep_once(pending, sender, limit=5, concurrency=1, times=times)
    assert {"quality": {"done": 3}} == answer["functions"]
    assert [5] * len(FUNCTIONS) == pending.limits


def test_the_times_of_a_sweep() -> None:
    """Without notifications a sweep lasts until shortly before the timer runs again, once or more."""
    assert SweepTimes(9) == sweep_times(Settings(sweep_seconds=2))
    assert not SweepTimes(9).is_watching(0)
    off = {"store_notifications": False, "listing_seconds": 3}
    times = sweep_times(Settings(sweep_seconds=2, **off))
    assert SweepTimes(9, 1.5, 2, 3, 0) == times
    assert [True, False, True, False] == [times.is_watching(seconds) for seconds in (1.4, 1.6, 2.1, 3.6)]
    assert SweepTimes(55, 55, 60, 3, 0) == sweep_times(Settings(sweep_seconds=60, **off))
    assert not sweep_times(Settings(sweep_seconds=0.5, **off)).is_watching(0)
