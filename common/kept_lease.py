"""A lease that lasts as long as its worker works, and ends with it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from common.errors import TransientError
from common.ledger import LONGEST_SECONDS


@contextmanager
def kept_lease(
    renew: Callable[[], bool], *, seconds: float, longest_seconds: float = LONGEST_SECONDS
) -> Iterator[Callable[[], None]]:
    """Renew a lease of so many seconds during the block, in time, from a thread of its own.

    A worker that is killed or stands still renews nothing, so its lease runs out; so does that of one
    that takes longer than `longest_seconds`, for it hangs. Gives a function for long work to call now
    and then: it raises TransientError once another worker has the item.
    """
    is_over, is_lost = Event(), Event()
    begun = time.monotonic()

    def beat() -> None:
        while not is_over.wait(timeout=seconds / 3) and time.monotonic() - begun < longest_seconds:
            with suppress(TransientError):  # the ledger is away; it is asked again
                if not renew():
                    is_lost.set()
                    return

    def keep() -> None:
        if is_lost.is_set():
            raise TransientError("The lease ran out and another worker has the item.")

    Thread(target=beat, name="lease", daemon=True).start()
    try:
        yield keep
    finally:
        is_over.set()
