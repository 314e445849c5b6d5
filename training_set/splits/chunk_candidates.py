"""Pairs of hashes whose chunks are equal or differ in one bit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_PAIRS_AT_A_TIME = 1 << 15  # this many fit into the CPU cache
_LONG = 8  # hashes; a shorter sequence is as many runs, because pairs of single hashes are faster


@dataclass(frozen=True)
class Runs:
    """Hashes sorted by chunk and owner. Consecutive hashes that are equal in both form a run.

    The pictures of a clip of one patient are often equal in a chunk. They form one run, so the pairs within
    the clip, which aren't needed, cost nothing.
    """

    order: Ints  # of the hashes
    owners: Ints  # of each run
    begins: Ints  # the first hash of each run, in the order
    sizes: Ints
    table: Ints  # (1 + 2 to the power of bits): the first run whose chunk is at least the index
    has_long: NDArray[np.bool_]  # (2 to the power of bits): chunks with a run of several hashes

    @classmethod
    def of(cls, chunk: Ints, owners: Ints, bits: int) -> "Runs":
        """Sort hashes by their chunk of so many bits; chunk and owners are below 2 to the power of 31."""
        keys = (chunk << 31) | owners
        order = np.argsort(keys)
        keys = keys[order]
        is_new = np.r_[True, keys[1:] != keys[:-1]]
        sizes = np.diff(np.r_[np.flatnonzero(is_new), len(keys)])
        begins = np.flatnonzero(is_new | np.repeat(sizes < _LONG, sizes))
        sizes = np.diff(np.r_[begins, len(keys)])
        keys = keys[begins]
        table = np.zeros((1 << bits) + 1, np.int64)
        np.cumsum(np.bincount(keys >> 31, minlength=1 << bits), out=table[1:])
        has_long = np.zeros(1 << bits, bool)
        has_long[keys[sizes > 1] >> 31] = True
        return cls(order, keys & ((1 << 31) - 1), begins, sizes, table, has_long)

    def pairs(self, *, with_neighbours: bool) -> Iterator[tuple[Ints, Ints]]:
        """Yield pairs of hashes as positions in the order, in batches; a few may have the same owner."""
        for low, high in self._chunks(with_neighbours=with_neighbours):
            is_slow = self.has_long[low] | self.has_long[high]
            for one, other in self._runs(low[~is_slow], high[~is_slow]):
                yield self.begins[one], self.begins[other]  # owners are compared faster later
            for one, other in self._runs(low[is_slow], high[is_slow]):
                differ = self.owners[one] != self.owners[other]
                yield from self._hashes(one[differ], other[differ])

    def _chunks(self, *, with_neighbours: bool) -> Iterator[tuple[Ints, Ints]]:
        """Yield pairs of chunks that are equal and, if wanted, that differ in one bit."""
        counts = np.diff(self.table)
        several = np.flatnonzero(counts > 1)
        yield several, several
        for bit in range((len(counts) - 1).bit_length() if with_neighbours else 0):
            occurs = (counts > 0).reshape(-1, 2, 1 << bit)
            both = np.flatnonzero(occurs[:, 0] & occurs[:, 1])
            low = ((both >> bit) << (bit + 1)) | (both & ((1 << bit) - 1))
            yield low, low | (1 << bit)

    def _runs(self, low: Ints, high: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield the pairs of runs with these pairs of chunks, all of which are equal or all different."""
        begins, ends = self.table[low], self.table[low + 1]
        is_equal = len(low) > 0 and low[0] == high[0]
        for others, one in _spread(high, begins, ends - begins):
            first = one + 1 if is_equal else self.table[others]
            yield from _spread(one, first, self.table[others + 1] - first)

    def _hashes(self, one: Ints, other: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield every hash of one run with every hash of the other, for pairs of runs."""
        for others, left in _spread(other, self.begins[one], self.sizes[one]):
            yield from _spread(left, self.begins[others], self.sizes[others])


def _spread(items: Ints, begins: Ints, counts: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield each item with `count` consecutive numbers from its begin on, in batches."""
    totals = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = int(totals[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(totals, before + _PAIRS_AT_A_TIME, side="right")))
        part = counts[begin:end]
        shifts = begins[begin:end] - (totals[begin:end] - part - before)
        numbers = np.repeat(shifts, part)
        numbers += np.arange(len(numbers))
        yield np.repeat(items[begin:end], part), numbers
        begin = end
