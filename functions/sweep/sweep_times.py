"""How long a sweep lasts and when it looks, by the settings."""

import math
from dataclasses import dataclass

from common.settings import Settings
from functions.sweep.pending_items import GRACE_SECONDS

_MAX_SECONDS = 30.0
_MAX_WATCH_SECONDS = 55.0  # for timers that run once a minute


@dataclass(frozen=True)
class SweepTimes:
    """Times in seconds. Without notifications, sweep is what starts the functions, so it waits for work."""

    seconds: float = math.inf  # the longest time of a sweep
    watch_seconds: float = 0  # a sweep lasts so long, also without work
    listing_seconds: float = 0  # from one listing to the next
    grace_seconds: float = GRACE_SECONDS  # an object is listed as missed from this age


UNLIMITED = SweepTimes()


def sweep_times(config: Settings) -> SweepTimes:
    """The times of a sweep. The timer skips runs while it lasts, and a caller gets an answer within a minute.

    Without notifications it lasts until the next one begins, so that it finds what is announced meanwhile.
    """
    seconds = min(4.5 * config.sweep_seconds, _MAX_SECONDS)
    if config.store_notifications:
        return SweepTimes(seconds)
    watch = min(config.sweep_seconds, _MAX_WATCH_SECONDS)
    return SweepTimes(max(seconds, watch), watch, config.listing_seconds, grace_seconds=0)
