"""sweep: whatever is still pending goes again to the function that owns it.

Trigger   timer (POST), or curl
Reads     the ledger; raw/incoming/ and annotations, where nobody announces what is put
Writes    nothing itself; asks functions for what is due, and sends them what the ledger does not know
Errors    a function that does not answer is counted; the next sweep sends again
"""

from functools import cache

from flask import Request, Response

from common import wiring
from common.http.http_target import Target, respond
from common.settings import settings
from functions.sweep.ledger_gauges import ledger_gauges
from functions.sweep.pending_items import PendingItems
from functions.sweep.resend import http_sender, sweep_once

_LONGEST_SECONDS = 30.0


def sweep(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    config = settings()
    tokens = wiring.tokens()
    pending = PendingItems(
        store=wiring.object_store(),
        database=wiring.database(),
        ledger=wiring.ledger,
        grace_seconds=config.sweep_grace_seconds,
        attempt_days=config.attempt_days,
    )
    sender = http_sender(config, tokens)
    return Target(
        "sweep",
        tokens,
        on_run=lambda: sweep_once(
            pending,
            sender,
            limit=config.sweep_limit,
            concurrency=config.sweep_concurrency,
            # The timer lets those pass that fall into it, and a caller is answered in a minute.
            seconds=min(4.5 * config.sweep_seconds, _LONGEST_SECONDS),
        ),
        checks=wiring.checks(),
        gauges=ledger_gauges(wiring.database()),
    )
