"""A record in memory: what its settlement calls."""

from collections.abc import Callable
from dataclasses import dataclass

from common.ledger.ledger import DatabaseCall


@dataclass(frozen=True)
class InMemoryCall(DatabaseCall):
    """Written by a call of its own, which the ledger in memory makes."""

    write: Callable[[], object]

    @classmethod
    def of(cls, write: Callable[[], object]) -> "InMemoryCall":
        """The record that `write` writes."""
        return cls("", {}, write)
