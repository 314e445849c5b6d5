"""Drains a function's backlog with as many requests at a time as the function has free slots.

A function may have any number of processes and replicas, and the sweep does not know how many slots they
have. So it begins with a few requests, sends as many more as found work, and stops doing so for a moment when
the function answers that it is full. A request that tries for a slot is short, so that its answer comes soon
and brings the next ones; not as short as one item, because small items would cost a request each.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from common.stage.backlog import DRAIN_SECONDS

MAX_REQUESTS = 64  # at a time to one function
TRY_SECONDS = 0.25  # of a request that tries for a slot


@dataclass(frozen=True)
class BacklogAnswer:
    """What a function did with its due items in one request."""

    items: Mapping[str, int] = field(default_factory=dict)  # by status; empty if it had no free slot
    has_more: bool = False  # whether items were still due when its time was over
    is_full: bool = False  # whether it had no free slot


def drain_backlog(
    drain: Callable[[float], BacklogAnswer], *, least: int, seconds_left: Callable[[], float]
) -> Counter[str]:
    """Send requests until no answer reports more due items, or no time is left; returns the results.

    `drain` sends a request to work for so many seconds. A request that follows an answer with more due items
    has that request's slot, and works no longer than the time that is left: all end together, so that no slot
    is empty for long before the next sweep. The other requests are tries. There are at most as many of them
    as requests with a slot, or `least`: a try may wait for a slot in the function.
    """
    results: Counter[str] = Counter()
    full_at = -math.inf
    with ThreadPoolExecutor(MAX_REQUESTS) as threads:
        tries: set[Future[BacklogAnswer]] = {threads.submit(drain, TRY_SECONDS) for _ in range(least)}
        following: set[Future[BacklogAnswer]] = set()
        while running := tries | following:
            ended = wait(running, return_when=FIRST_COMPLETED).done
            tries, following = tries - ended, following - ended
            for answer in (future.result() for future in ended):
                results.update(answer.items)
                full_at = time.monotonic() if answer.is_full else full_at
                left = seconds_left()
                if not answer.has_more or left <= 0:
                    continue
                following.add(threads.submit(drain, min(left, DRAIN_SECONDS)))
                # A full function gets no tries for as long as the requests that fill it may last.
                is_full = time.monotonic() - full_at < DRAIN_SECONDS
                most = 0 if is_full else min(max(least, len(following)), MAX_REQUESTS - len(following))
                tries |= {threads.submit(drain, TRY_SECONDS) for _ in range(most - len(tries))}
    return results
