"""Waits until a home has settled everything that was put in, and an oracle finds no difference."""

import time
from contextlib import suppress

from tests.faults.oracle import Oracle
from tests.support.local_home import RunningHome

_UNSETTLED = (
    "select count(*) as number from ledger_item where counted_as is null and state in ('running', 'retry')"
)


def settles(home: RunningHome, oracle: Oracle, *, seconds: float) -> bool:
    """Compare again and again until there is no difference, or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() <= deadline:
        with suppress(Exception):  # the server that was killed last may not be up yet
            if _is_idle(home, oracle) and not oracle.settled().number:
                return True
        time.sleep(1)
    return False


def unsettled(home: RunningHome) -> int:
    """The number of items that wait or are worked on."""
    return _count(home, _UNSETTLED)


def _is_idle(home: RunningHome, oracle: Oracle) -> bool:
    """Whether no file waits and no item is unsettled; checked first, because it is cheap."""
    if next(iter(home.store.list_prefix("raw", "incoming/")), None) is not None:
        return False
    verdicts = _count(home, "select count(*) as number from verdict")
    return not unsettled(home) and verdicts >= len(oracle.frames)


def _count(home: RunningHome, query: str) -> int:
    return int(home.rows(query)[0]["number"])
