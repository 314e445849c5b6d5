"""Batches of pairs of numbers that fit into the CPU cache."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

AT_A_TIME = 1 << 15
Pairs = tuple[Ints, Ints]  # of equal length


def spread(items: Ints, begins: Ints, counts: Ints) -> Iterator[Pairs]:
    """Yield each item with `count` consecutive numbers from its begin on, in batches."""
    used = np.flatnonzero(counts)
    items, begins, counts = items[used], begins[used], counts[used]
    totals = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = int(totals[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(totals, before + AT_A_TIME, side="right")))
        starts = totals[begin:end] - counts[begin:end] - before
        # A sum and look-ups: np.repeat takes 9 ns for each item, even if its count is one.
        which = np.zeros(int(totals[end - 1]) - before, np.int64)
        which[starts[1:]] = 1
        which = np.cumsum(which)
        numbers = (begins[begin:end] - starts)[which]
        numbers += np.arange(len(numbers))
        yield items[begin:end][which], numbers
        begin = end


def joined(batches: Iterable[Pairs]) -> Iterator[Pairs]:
    """Join small batches, because each operation on an array has a fixed cost."""
    waiting: list[Pairs] = []
    number = 0
    for batch in batches:
        waiting.append(batch)
        number += len(batch[0])
        if number >= AT_A_TIME:
            yield _one(waiting)
            waiting, number = [], 0
    if number:
        yield _one(waiting)


def _one(batches: list[Pairs]) -> Pairs:
    left, right = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return left, right
