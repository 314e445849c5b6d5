"""sweep: finds work that events have missed, and lets its function do it.

Trigger   timer (POST), or curl
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

_MAX_SECONDS = 30.0


def sweep(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    config, store, database = settings(), wiring.object_store(), wiring.database()
    tokens = wiring.tokens()
    pending = PendingItems(store=store, database=database, ledger=wiring.ledger)
    sender, concurrency = http_sender(config, tokens), concurrent_requests(config)
    rolling = RollingPass(store, database, seconds=config.reconcile_seconds)
    weeks = QualityWeeks(database)

    def run() -> Mapping[str, object]:
        # The timer skips runs while a sweep lasts, and a caller gets an answer within a minute.
        seconds = min(4.5 * config.sweep_seconds, _MAX_SECONDS)
        answer = sweep_once(pending, sender, limit=EVENTS_PER_SWEEP, concurrency=concurrency, seconds=seconds)
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
