"""The faults of a campaign and their order; the seed alone decides them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

FUNCTIONS = ("annotations", "extract", "poll_nas", "quality", "store_metadata", "sweep")
# The targets of each family of faults; a short schedule takes one target of each family in turn.
FAMILIES: dict[str, tuple[str, ...]] = {
    "kill a worker": FUNCTIONS,
    "kill all processes": FUNCTIONS,
    "pause a worker": ("extract", "quality", "store_metadata"),
    "kill a sandbox process": ("sandbox", "zygote"),
    "kill a server": ("postgres", "minio"),
    "restart a server": ("postgres", "minio"),
    "cut": ("postgres", "minio"),
    "delay": ("postgres", "minio"),
    "hang": ("postgres", "minio"),
    "truncate": ("postgres", "minio"),
    "notifications": ("drop", "refuse", "double", "reorder"),
    "fill the disk": ("home",),
    "move the clock": ("300", "-300", "1200", "-1200"),
}
_LEAST_SECONDS, _MOST_SECONDS = 2.0, 6.0
_LONGER = {"hang": 2.0, "pause a worker": 2.5}  # factors; longer than the time limits and the leases


@dataclass(frozen=True)
class Fault:
    """One fault, its target and how long it lasts."""

    family: str
    target: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.family}: {self.target}, {self.seconds:.1f} s"


def make_schedule(seed: int, number: int, families: Sequence[str] = tuple(FAMILIES)) -> list[Fault]:
    """Make `number` faults: no family is repeated before all were used, and no target either."""
    chance = random.Random(seed)
    targets = {family: chance.sample(FAMILIES[family], len(FAMILIES[family])) for family in families}
    chosen: list[Fault] = []
    while len(chosen) < number:
        order = [family for family in families if targets[family]]
        if not order:
            targets = {family: list(FAMILIES[family]) for family in families}
            continue
        chance.shuffle(order)
        for family in order[: number - len(chosen)]:
            seconds = chance.uniform(_LEAST_SECONDS, _MOST_SECONDS) * _LONGER.get(family, 1)
            chosen.append(Fault(family, targets[family].pop(), seconds))
    return chosen
