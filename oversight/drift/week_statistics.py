"""Statistics of few and related pictures: intervals of shares, distances of distributions of scores."""

import math
from collections.abc import Mapping, Sequence

# Bins of the logit of the score, as in quality_week.scores: 28 of half a unit from -7 on, and two beyond.
_FIRST, _WIDTH, _BINS = -7.0, 0.5, 28
_Z = 3.0  # of the normal distribution: 1 of 370 intervals misses by chance
_KS = 1.95  # critical value of Kolmogorov and Smirnov at 0.1 %


def share_interval(number: int, total: int, patients: int) -> tuple[float, float]:
    """Wilson's interval of a share; `patients` is the number of independent observations."""
    if not total or not patients:
        return 0.0, 1.0
    share, n = number / total, min(patients, total)
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return middle - half, middle + half


def bins_distance(bins: Mapping[str, int], others: Mapping[str, int]) -> float:
    """The greatest difference between two cumulative distributions of scores by bin, 0 to 1."""
    return max(abs(a - b) for a, b in zip(_cumulative(bins), _cumulative(others), strict=True))


def deciles_distance(bins: Mapping[str, int], deciles: Sequence[float]) -> float:
    """The greatest difference between the shares of scores below the nine deciles and 10 %, 20 %, …, 90 %."""
    below = [0.0, *_cumulative(bins)]
    return max(abs(_share_below(below, decile) - i / 10) for i, decile in enumerate(deciles, start=1))


def critical_distance(patients: int, others: int) -> float:
    """The distance of two samples, by their numbers of patients, that chance reaches in 1 of 1,000."""
    n = patients * others / max(patients + others, 1)
    return _KS / math.sqrt(max(n, 1))


def _cumulative(bins: Mapping[str, int]) -> list[float]:
    total, below, found = sum(bins.values()) or 1, 0, []
    for number in range(_BINS + 2):
        below += bins.get(str(number), 0)
        found.append(below / total)
    return found


def _share_below(below: Sequence[float], score: float) -> float:
    """The share of scores below one, within a bin in proportion."""
    inner = min(max(score, 1e-9), 1 - 1e-9)
    place = (math.log(inner / (1 - inner)) - _FIRST) / _WIDTH + 1
    place = min(max(place, 0.0), _BINS + 1.0)
    number = int(place)
    return below[number] + (place - number) * (below[number + 1] - below[number])
