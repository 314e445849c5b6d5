"""sweep: finds work that events have missed, and lets its function do it.

Trigger   timer (POST), or curl; without notifications of the store, it starts all functions
Reads     the ledger; the listings of raw/incoming/ and annotations, where new objects are not announced;
          slowly, all rows and listings, to compare them
Writes    nothing itself; functions work on their due items, and get objects that the ledger does not know
Errors    a function that does not answer: counted; the next sweep sends again
"""

from collections.abc import Mapping
from functools import cache
from itertools import chain

from flask import Request, Response

from common import wiring
from common.http.http_target import Target, respond
from common.settings import settings
from functions.sweep.ledger_gauges import ledger_gauges
from functions.sweep.pending_items import PendingItems
from functions.sweep.quality_weeks import QualityWeeks
from functions.sweep.resend import EVENTS_PER_SWEEP, concurrent_requests, http_sender, sweep_once
from functions.sweep.rolling_pass import RollingPass, reconcile_gauges
from functions.sweep.sweep_times import sweep_times


def sweep(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    config, store, database = settings(), wiring.object_store(), wiring.database()
    tokens = wiring.tokens()
    times = sweep_times(config)
    pending = PendingItems(store, database, wiring.ledger, grace_seconds=times.grace_seconds)
    sender, concurrency = http_sender(config, tokens), concurrent_requests(config)
    rolling = RollingPass(store, database, seconds=config.reconcile_seconds)
    weeks = QualityWeeks(database)

    def run() -> Mapping[str, object]:
        answer = sweep_once(pending, sender, limit=EVENTS_PER_SWEEP, concurrency=concurrency, times=times)
        rolling.step()
        weeks.step()
        return answer

    gauges = (ledger_gauges(database), reconcile_gauges(database))
    return Target(
        "sweep",
        tokens,
        on_run=run,
        checks=wiring.checks(),
        gauges=lambda: chain.from_iterable(collect() for collect in gauges),
    )
