"""How scores are distributed, and what other limits would change."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries
from functions.review.quality.nearest_images import VERDICTS
from model.limits import Limits

_SQL = queries(Path(__file__).with_suffix(".sql"))
MOST = 200_000  # verdicts that are read
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_FIRST, _WIDTH, _BINS = -7.0, 0.25, 56  # of the logit; two further bins lie beyond


@dataclass
class Distribution:
    """The scores of one modality."""

    modality: str
    verdicts: Counter[str] = field(default_factory=Counter)
    bins: Counter[int] = field(default_factory=Counter)  # 0 and 57 lie beyond
    review_from: float | None = None  # of the newest verdict
    threshold: float = math.inf
    newest: datetime = _LONG_AGO

    @property
    def bars(self) -> list[tuple[int, int, float, float]]:
        """Place, number of images, and the lowest and highest score of each bin with images."""
        return [
            (place, number, _score(place - 1), _score(place)) for place, number in sorted(self.bins.items())
        ]

    @property
    def most(self) -> int:
        """The number of images in the fullest bin."""
        return max(self.bins.values(), default=1)

    @property
    def lines(self) -> list[tuple[str, float]]:
        """The name and place of each limit that a score can reach, in bins from the left."""
        limits = (("review", self.review_from), ("rejected", self.threshold))
        return [(name, _place(limit)) for name, limit in limits if limit is not None and limit <= 1]


@dataclass(frozen=True)
class Move:
    """How many images have a verdict now and would have another."""

    now: str
    later: str
    images: int


@dataclass(frozen=True)
class OtherLimits:
    """The verdicts by other limits."""

    limits: Limits
    modality: str | None
    now: Mapping[str, int]
    later: Mapping[str, int]
    moves: list[Move]  # the verdict changes


def read_distributions(connection: psycopg.Connection[DictRow], most: int = MOST) -> list[Distribution]:
    """The distribution of each modality among the newest verdicts."""
    return fold(connection.execute(_SQL["distribution"], {"most": most}))


def fold(rows: Iterable[Mapping[str, Any]]) -> list[Distribution]:
    """Sum up rows by modality; the limits are those of the newest verdict."""
    found: dict[str, Distribution] = {}
    for row in rows:
        each = found.setdefault(row["modality"], Distribution(row["modality"]))
        each.verdicts[row["verdict"]] += row["images"]
        if row["bin"] is not None:
            each.bins[row["bin"]] += row["images"]
        if row["newest"] > each.newest:
            each.newest = row["newest"]
            each.review_from, each.threshold = row["review_from"], row["threshold"]
    return [found[modality] for modality in sorted(found)]


def with_limits(
    connection: psycopg.Connection[DictRow], limits: Limits, modality: str | None, most: int = MOST
) -> OtherLimits:
    """What other limits would change among the newest verdicts; None: in every modality."""
    values = {"review_from": limits.review_from, "reject_from": limits.reject_from}
    rows = connection.execute(_SQL["with_limits"], {**values, "modality": modality, "most": most})
    now, later, moves = Counter[str](), Counter[str](), []
    for row in rows:
        now[row["now"]] += row["images"]
        later[row["later"]] += row["images"]
        if row["now"] != row["later"]:
            moves.append(Move(row["now"], row["later"], row["images"]))
    moves.sort(key=lambda move: (VERDICTS.index(move.now), VERDICTS.index(move.later)))
    return OtherLimits(limits, modality, now, later, moves)


def _score(edge: int) -> float:
    """The score at the right edge of a bin; 0 and 1 at both ends."""
    if not 0 <= edge <= _BINS:
        return 0.0 if edge < 0 else 1.0
    return 1 / (1 + math.exp(-(_FIRST + edge * _WIDTH)))


def _place(score: float) -> float:
    """Where a score lies, in bins from the left edge of the first one."""
    inner = min(max(score, 1e-9), 1 - 1e-9)
    place = (math.log(inner / (1 - inner)) - _FIRST) / _WIDTH + 1
    return min(max(place, 0.0), _BINS + 2.0)
