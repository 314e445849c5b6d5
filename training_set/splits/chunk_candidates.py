"""Pairs of hashes whose chunks are equal or differ in one bit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training_set.splits.chunk_slots import ChunkSlots, Words
from training_set.splits.spread import Ints, Pairs, spread

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
        order, keys = _sorted(chunk, owners)
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

    def near_pairs(self, words: Words, most: int, *, with_neighbours: bool) -> Iterator[Pairs]:
        """Yield the pairs, as positions in the order, whose words differ in at most so many bits, in batches.

        `words` are those of the hashes in the order. A few pairs may have the same owner.
        """
        if with_neighbours:
            counts = np.where(self.has_long, 0, np.diff(self.table))
            first = np.r_[self.begins, len(words)][self.table[:-1]]
            yield from ChunkSlots(words, first, counts).near_neighbours(most)
        for left, right in self._pairs(with_neighbours=with_neighbours):
            near = np.flatnonzero(np.bitwise_count(words[left] ^ words[right]) <= most)
            yield left[near], right[near]

    def _pairs(self, *, with_neighbours: bool) -> Iterator[Pairs]:
        """Yield pairs with equal chunks and, if wanted, those of neighbours of which one has a long run."""
        counts = np.diff(self.table)
        several = np.flatnonzero(counts > 1)
        is_long = self.has_long[several]
        for one, other in self._runs(several[~is_long], several[~is_long]):
            yield self.begins[one], self.begins[other]  # owners are compared faster later
        yield from self._pairs_of_long(several[is_long], several[is_long])
        long = np.flatnonzero(self.has_long)
        for bit in range((len(counts) - 1).bit_length() if with_neighbours else 0):
            other = long ^ (1 << bit)
            once = (counts[other] > 0) & ((long < other) | ~self.has_long[other])
            yield from self._pairs_of_long(long[once], other[once])

    def _pairs_of_long(self, chunks: Ints, others: Ints) -> Iterator[Pairs]:
        """Yield the pairs of hashes of pairs of chunks, of which at least one has a long run."""
        for one, other in self._runs(chunks, others):
            differ = self.owners[one] != self.owners[other]
            for run, left in spread(other[differ], self.begins[one[differ]], self.sizes[one[differ]]):
                yield from spread(left, self.begins[run], self.sizes[run])

    def _runs(self, chunks: Ints, others: Ints) -> Iterator[Pairs]:
        """Yield the pairs of runs of these pairs of chunks, all of which are equal or all different."""
        begins, ends = self.table[chunks], self.table[chunks + 1]
        is_equal = len(chunks) > 0 and chunks[0] == others[0]
        for other, one in spread(others, begins, ends - begins):
            first = one + 1 if is_equal else self.table[other]
            yield from spread(one, first, self.table[other + 1] - first)


def _sorted(chunk: Ints, owners: Ints) -> tuple[Ints, Ints]:
    """Return the order by chunk and owner, and the keys (chunk, then 31 bits of the owner) in this order."""
    keys = (chunk << 31) | owners
    bits = len(keys).bit_length()
    if int(owners.max(initial=0)) >> bits or int(chunk.max(initial=0)) >> 63 - 2 * bits:
        order = np.argsort(keys)
        return order, keys[order]
    # Sorting numbers is several times as fast as finding their order, so each carries its place.
    packed = (((chunk << bits) | owners) << bits) | np.arange(len(keys))
    packed.sort()
    order = packed & ((1 << bits) - 1)
    return order, keys[order]
