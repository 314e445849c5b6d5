"""A database call in memory, made when an item is settled."""

from collections.abc import Callable
from dataclasses import dataclass

from common.ledger.ledger import DatabaseCall


@dataclass(frozen=True)
class InMemoryCall(DatabaseCall):
    """A call that the in-memory ledger makes with `write`."""

    write: Callable[[], object]

    @classmethod
    def of(cls, write: Callable[[], object]) -> "InMemoryCall":
        """The call that runs `write`."""
        return cls("", {}, write)
