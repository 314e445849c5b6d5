"""A function works on its own backlog: one request for many items, since an event for each would cost more.

A function that receives ``{"due": true}`` takes one item after another from its ledger until none is due or
its time is over. It uses one of the slots that events use.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from common.stage.admission import Admission
from common.stage.item import Result

REQUEST = {"due": True}  # the body that requests it
FULL = "full"
DRAIN_SECONDS = 1.0  # after this time the function answers, also if more items are due


def drain(take: Callable[[], Result | None], admission: Admission, *, seconds: float) -> Mapping[str, object]:
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
            if time.monotonic() > ends_at:
                return {"status": "worked", "items": dict(items), "more": True}
    return {"status": "worked", "items": dict(items)} if items else {"status": "no_updates"}
