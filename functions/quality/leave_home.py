"""Images that were set aside leave nothing behind in the bucket of the training images.

A worker may be lost between the record of a move and the deletion that ends it, and an image may be
drawn again without its event arriving. Either way something lies in the home of an image that lies
in `suboptimal`, and no event will tell of it.
"""

from collections.abc import Callable, Mapping

from common.errors import ObjectMissingError
from common.event_record import EventRecord
from common.object_key import SUBOPTIMAL, Location
from common.object_store import ObjectStore, ObjectVersion
from common.stage import Result
from functions.quality.verdict_rows import VerdictRows

_MOST = 500


def leave_homes(
    store: ObjectStore, rows: VerdictRows, handle: Callable[[EventRecord], Result]
) -> Mapping[str, object]:
    """A run without an event: look at the homes of images that were set aside since the last one."""
    homes = rows.leaving(limit=_MOST)
    there = {home: version for home in homes if (version := _version(store, home))}
    for home, version in there.items():
        aside = _version(store, Location(SUBOPTIMAL, home.key))
        if aside is not None and aside.etag == version.etag:
            store.delete(version)
        else:
            handle(EventRecord(home.bucket, home.key))  # drawn again: it is judged anew
    rows.record_left([home for home in homes if home not in there])
    if not homes:
        return {"status": "no_updates"}
    return {"status": "left", "empty": len(homes) - len(there), "tidied": len(there)}


def _version(store: ObjectStore, location: Location) -> ObjectVersion | None:
    try:
        return store.stat(location)
    except ObjectMissingError:
        return None
