"""Renews leases while their workers work, and stops when the work ends."""

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
    """Renew a lease of `seconds` from another thread during the block.

    If the process is killed or stopped, nothing renews the lease and it runs out. After `longest_seconds`
    the lease is no longer renewed either, because the work must be hanging. Yields a heartbeat function
    that long work must call now and then: it raises TransientError once another worker has the item.
    """
    lease = _Lease(renew, seconds / 3, time.monotonic() + longest_seconds)
    _RENEWER.add(lease)
    try:
        yield lease.heartbeat
    finally:
        _RENEWER.remove(lease)


@dataclass(eq=False)
class _Lease:
    """One lease, and when it is renewed next (time.monotonic())."""

    renew: Callable[[], bool]  # False: another worker has the item
    interval: float  # seconds
    renewed_until: float
    is_lost: bool = False
    due_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.due_at = time.monotonic() + self.interval

    def heartbeat(self) -> None:
        if self.is_lost:
            raise TransientError("The lease ran out and another worker has the item.")

    def renew_now(self) -> bool:
        """Renew the lease; False if it is lost and must not be renewed again."""
        self.due_at = time.monotonic() + self.interval
        with suppress(Exception):  # the ledger does not answer; the next renewal asks it again
            self.is_lost = not self.renew()
        return not self.is_lost


class _LeaseRenewer:
    """Renews all leases of a process from one thread: a thread for each item cost as much as a statement.

    The thread lives as long as there is a lease. It sleeps until the first lease is due, and is woken only
    if a new lease is due earlier than that.
    """

    def __init__(self) -> None:
        self._leases: set[_Lease] = set()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._wakes_at = 0.0

    def add(self, lease: _Lease) -> None:
        with self._changed:
            self._leases.add(lease)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()
            elif lease.due_at < self._wakes_at:
                self._changed.notify()

    def remove(self, lease: _Lease) -> None:
        with self._changed:
            self._leases.discard(lease)

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                self._leases -= {lease for lease in self._leases if now >= lease.renewed_until}
                if not self._leases:
                    self._thread = None
                    return
                due = [lease for lease in self._leases if lease.due_at <= now]
                if not due:
                    self._wakes_at = min(lease.due_at for lease in self._leases)
                    self._changed.wait(self._wakes_at - now)
                    continue
            # Outside the lock: other items begin and end while the ledger answers.
            for lease in due:
                if not lease.renew_now():
                    self.remove(lease)


_RENEWER = _LeaseRenewer()
