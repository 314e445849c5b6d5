"""Pending work and a sender for tests of sweeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.store.object_store import ObjectVersion
from functions.sweep.backlog_drain import BacklogAnswer


@dataclass
class Pending:
    """The pending work, by function."""

    items: Mapping[str, list[ObjectVersion]] = field(default_factory=dict)
    runs: tuple[str, ...] = ()  # functions with work that has no event
    due: dict[str, int] = field(default_factory=dict)  # in how many checks a function has due items
    limits: list[int] = field(default_factory=list)
    is_cleaned_up: bool = False

    def find_missed(self, function: str, *, limit: int) -> list[ObjectVersion]:
        self.limits.append(limit)
        return list(self.items.get(function, []))

    def has_due(self, function: str) -> bool:
        self.due[function] = self.due.get(function, 0) - 1
        return self.due[function] >= 0

    def needs_run(self, function: str) -> bool:
        return function in self.runs

    def clean_up(self) -> None:
        self.is_cleaned_up = True


@dataclass
class FakeSender:
    """A sender that records its requests."""

    answer: str = "settled"
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    drained: list[str] = field(default_factory=list)
    done: Mapping[str, int] = field(default_factory=lambda: {"done": 3})
    more: int = 0  # number of answers that report more due items

    def drain(self, function: str, seconds: float) -> BacklogAnswer:
        del seconds
        self.drained.append(function)
        self.more -= 1
        return BacklogAnswer(self.done, has_more=self.more >= 0)

    def send(self, function: str, event: Mapping[str, object]) -> str:
        self.events.append((function, event))
        return self.answer
