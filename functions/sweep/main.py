"""sweep: whatever is still pending goes again to the function that owns it.

Trigger   timer (POST), or curl
Reads     the ledger; raw/incoming/ and annotations, where nobody announces what is put
Writes    nothing itself; asks functions for what is due, and sends them what the ledger does not know
Errors    a function that does not answer is counted; the next sweep sends again
"""

from functools import cache

from flask import Request, Response

from common import ports
from common.http_target import Target, respond
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
    chosen = settings()
    tokens = ports.tokens()
    pending = PendingItems(
        store=ports.object_store(),
        database=ports.database(),
        ledger=ports.ledger,
        grace_seconds=chosen.sweep_grace_seconds,
        attempt_days=chosen.attempt_days,
    )
    sender = http_sender(chosen, tokens)
    return Target(
        "sweep",
        tokens,
        on_run=lambda: sweep_once(
            pending,
            sender,
            limit=chosen.sweep_limit,
            concurrency=chosen.sweep_concurrency,
            # The timer lets those pass that fall into it, and a caller is answered in a minute.
            seconds=min(4.5 * chosen.sweep_seconds, _LONGEST_SECONDS),
        ),
        checks=ports.checks(),
        gauges=ledger_gauges(ports.database()),
    )
