"""A lease that lasts as long as its worker works, and ends with it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition, Thread

from common.errors import TransientError
from common.ledger.ledger import LONGEST_SECONDS


@contextmanager
def renewed_lease(
    renew: Callable[[], bool], *, seconds: float, longest_seconds: float = LONGEST_SECONDS
) -> Iterator[Callable[[], None]]:
    """Renew a lease of so many seconds during the block, in time, from another thread.

    A worker that is killed or stands still renews nothing, so its lease runs out; so does that of one
    that takes longer than `longest_seconds`, for it hangs. Gives a function for long work to call now
    and then: it raises TransientError once another worker has the item.
    """
    lease = _Lease(renew, seconds / 3, time.monotonic() + longest_seconds)
    _KEEPER.begin(lease)
    try:
        yield lease.heartbeat
    finally:
        _KEEPER.end(lease)


@dataclass(eq=False)
class _Lease:
    """One lease, and when it is renewed next."""

    renew: Callable[[], bool]
    interval: float
    given_up_at: float
    is_lost: bool = False
    due_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.due_at = time.monotonic() + self.interval

    def heartbeat(self) -> None:
        if self.is_lost:
            raise TransientError("The lease ran out and another worker has the item.")

    def beat(self) -> bool:
        """Renew it; whether it is to be renewed again."""
        self.due_at = time.monotonic() + self.interval
        with suppress(Exception):  # the ledger is away; it is asked again, and so is it for other items
            self.is_lost = not self.renew()
        return not self.is_lost


class _Keeper:
    """Renews all leases of a process from one thread: one for each item cost as much as a statement.

    The thread is there while any lease is. It sleeps until the first of them is due, and is woken for
    none that is due later.
    """

    def __init__(self) -> None:
        self._leases: set[_Lease] = set()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._wakes_at = 0.0

    def begin(self, lease: _Lease) -> None:
        with self._changed:
            self._leases.add(lease)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()
            elif lease.due_at < self._wakes_at:
                self._changed.notify()

    def end(self, lease: _Lease) -> None:
        with self._changed:
            self._leases.discard(lease)

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                self._leases -= {lease for lease in self._leases if now >= lease.given_up_at}
                if not self._leases:
                    self._thread = None
                    return
                due = [lease for lease in self._leases if lease.due_at <= now]
                if not due:
                    self._wakes_at = min(lease.due_at for lease in self._leases)
                    self._changed.wait(self._wakes_at - now)
                    continue
            # Not under the lock: while the ledger is asked, other items begin and end.
            for lease in due:
                if not lease.beat():
                    self.end(lease)


_KEEPER = _Keeper()
