"""A function works on its own backlog: one request for many items, since an event for each would cost more.

A function that receives ``{"due": true}`` takes one item after another from its ledger until none is due or
its time is over: a second, or the ``seconds`` in the request; with 0 it takes one item. It uses one of the
slots that events use.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping

import orjson

from common.stage.admission import Admission
from common.stage.item import Result

FULL = "full"
DRAIN_SECONDS = 1.0  # after this time the function answers at the latest, also if more items are due
MAX_REQUEST_BYTES = 64  # of a body that requests a run or work on the backlog; events are longer


def request(seconds: float) -> dict[str, object]:
    """The body that requests work for so long."""
    return {"due": True} if seconds >= DRAIN_SECONDS else {"due": True, "seconds": round(seconds, 2)}


def requested_seconds(body: bytes) -> float | None:
    """How long a request asks the function to work; None if the body is no such request."""
    # Most bodies are events, so the check of the length saves a look at them.
    if len(body) >= MAX_REQUEST_BYTES or b'"due"' not in body:
        return None
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    seconds = asked.pop("seconds", DRAIN_SECONDS) if isinstance(asked, dict) else None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= DRAIN_SECONDS:
        return None
    return float(seconds) if list(asked) == ["due"] and asked["due"] is True else None


def drain(take: Callable[[], Result | None], admission: Admission, seconds: float) -> Mapping[str, object]:
    """Work on items until `take` returns None or the time is over; returns how many items ended how.

    `more` is set if the time was over first; the status is `full` if there was no slot.
    """
    ends_at = time.monotonic() + seconds
    items: Counter[str] = Counter()
    with admission.slot() as has_slot:
        if not has_slot:
            return {"status": FULL}
        while (result := take()) is not None:
            items[str(result.body["status"])] += 1
            if time.monotonic() >= ends_at:
                return {"status": "worked", "items": dict(items), "more": True}
    return {"status": "worked", "items": dict(items)} if items else {"status": "no_updates"}
