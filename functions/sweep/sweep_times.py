"""How long a sweep lasts and when it looks, by the settings."""

import math
from dataclasses import dataclass

from common.settings import Settings
from functions.sweep.pending_items import GRACE_SECONDS

_MAX_SECONDS = 30.0
RECHECK_SECONDS = 0.5  # before the next check of a function without work
_MAX_WATCH_SECONDS = 55.0  # for timers that run once a minute


@dataclass(frozen=True)
class SweepTimes:
    """Times in seconds. Without notifications, sweep is what starts the functions, so it waits for work."""

    seconds: float = math.inf  # the longest time of a sweep
    watch_seconds: float = 0  # a sweep waits for work for so long from the beginning of each interval
    interval_seconds: float = math.inf  # of the timer
    listing_seconds: float = 0  # from one listing to the next
    grace_seconds: float = GRACE_SECONDS  # an object is listed as missed from this age

    def is_watching(self, seconds: float) -> bool:
        """Whether a sweep waits for work this time after its start."""
        return seconds % self.interval_seconds < self.watch_seconds


UNLIMITED = SweepTimes()


def sweep_times(config: Settings) -> SweepTimes:
    """The times of a sweep. The timer skips runs while it lasts, and a caller gets an answer within a minute.

    Without notifications it lasts until shortly before the next one begins, and finds what is announced
    meanwhile. If it still worked when the timer ran, it lasts until the timer runs again.
    """
    seconds = min(4.5 * config.sweep_seconds, _MAX_SECONDS)
    if config.store_notifications:
        return SweepTimes(seconds)
    watch = min(max(0, config.sweep_seconds - RECHECK_SECONDS), _MAX_WATCH_SECONDS)
    return SweepTimes(
        max(seconds, watch),
        watch,
        config.sweep_seconds,
        listing_seconds=config.listing_seconds,
        grace_seconds=0,
    )
