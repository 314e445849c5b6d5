"""What is due, worked off by the function itself: an event each would cost more than many an item.

A function that is sent ``{"due": true}`` takes one item after another from its ledger, until nothing is
due or its time is over, in one of the places that its events take too.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from common.stage.admission import Admission
from common.stage.item import Result

REQUEST = {"due": True}  # the body that asks for it
FULL = "full"


def drain(take: Callable[[], Result | None], admission: Admission, *, seconds: float) -> Mapping[str, object]:
    """Items until `take` gives none or so many seconds are over; how many ended how.

    `more` says that time was over first; the status `full` that there was no place.
    """
    ends_at = time.monotonic() + seconds
    items: Counter[str] = Counter()
    with admission.place() as has_place:
        if not has_place:
            return {"status": FULL}
        while (result := take()) is not None:
            items[str(result.body["status"])] += 1
            if time.monotonic() > ends_at:
                return {"status": "worked", "items": dict(items), "more": True}
    return {"status": "worked", "items": dict(items)} if items else {"status": "no_updates"}
