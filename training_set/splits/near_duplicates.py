"""Find pairs of pictures of different patients that look the same: equal files or similar hashes."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

RADIUS = (
    24  # of 256 bits; copies differed by less, other patients' pictures by over 90 (docs/training-sets.md)
)
_CHUNKS = 16
_BITS = 16  # per chunk
_PAIRS_AT_A_TIME = 500_000  # this many fit into the CPU cache


def near_pairs(hashes: NDArray[np.uint8], owners: Ints) -> Ints:
    """Return all pairs of near-equal hashes of different owners, int64 (n, 2), sorted, each pair once.

    Two hashes that differ in at least two bits in each of 16 chunks are at least 32 bits apart. So two
    hashes within the radius share a chunk that differs in at most one bit, and no pair is missed.

    Parameters
    ----------
    hashes : uint8 array of shape (images, 32)
    owners : int array of shape (images,)
        The number of the patient, or of the split, that an image belongs to.
    """
    if len(hashes) < 2:
        return np.empty((0, 2), np.int64)
    words = np.ascontiguousarray(hashes).view(np.uint64)
    # NumPy releases the GIL for these operations.
    with ThreadPoolExecutor(min(_CHUNKS, os.cpu_count() or 1)) as threads:
        found = list(threads.map(lambda chunk: _pairs_of_chunk(chunk, words, owners), _chunks(hashes)))
    return np.unique(np.concatenate(found), axis=0)


def equal_pairs(texts: NDArray[np.str_], owners: Ints) -> Ints:
    """Return neighbours among equal texts of different owners, int64 (n, 2), which connects all of them."""
    _, codes = np.unique(texts, return_inverse=True)
    order = np.lexsort((owners, codes))
    first, second = order[:-1], order[1:]
    joined = (codes[first] == codes[second]) & (owners[first] != owners[second])
    return np.stack([first[joined], second[joined]], axis=1)


def _chunks(hashes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return chunks of bits from all parts of the hash, uint16 (16, images).

    The low frequencies are similar in all pictures of a kind. A chunk of low frequencies alone would make
    every pair a candidate.
    """
    bits = np.unpackbits(hashes, axis=1).reshape(len(hashes), _CHUNKS, _BITS)
    mixed = np.stack([np.roll(bits[:, row], row, axis=1) for row in range(_CHUNKS)], axis=1)
    return np.packbits(mixed.transpose(2, 0, 1), axis=2).view(np.uint16)[:, :, 0]


def _pairs_of_chunk(chunk: NDArray[np.uint16], words: NDArray[np.uint64], owners: Ints) -> Ints:
    """Return the near pairs among images whose chunks differ in at most one bit."""
    order = np.argsort((chunk.astype(np.int64) << 40) | owners)
    runs = _Runs.of(chunk[order], owners[order])
    columns = np.ascontiguousarray(words[order].T)
    near = [np.empty((2, 0), np.int64)]
    for one, other in runs.candidates():
        near.extend(_near(left, right, columns) for left, right in runs.images(one, other))
    return np.sort(order[np.concatenate(near, axis=1).T], axis=1)


@dataclass(frozen=True)
class _Runs:
    """Images sorted by chunk and owner. Consecutive images that are equal in both form a run.

    A clip of thousands of equal frames is one run, so the pairs within it, which aren't needed, cost
    nothing.
    """

    values: NDArray[np.uint16]  # the chunk of each run
    owners: Ints
    begins: Ints  # the first image of each run
    sizes: Ints
    table: Ints  # (65537,): the first run whose value is at least the index

    @classmethod
    def of(cls, values: NDArray[np.uint16], owners: Ints) -> "_Runs":
        is_new = (values[1:] != values[:-1]) | (owners[1:] != owners[:-1])
        begins = np.flatnonzero(np.r_[True, is_new])
        first_values = values[begins]
        table = np.searchsorted(first_values, np.arange((1 << _BITS) + 1))
        return cls(first_values, owners[begins], begins, np.diff(np.r_[begins, len(values)]), table)

    def candidates(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield pairs of runs of different owners whose chunks differ in at most one bit."""
        every = np.arange(len(self.values))
        values = self.values.astype(np.int64)
        partners = [(every, every + 1, self.table[values + 1])]
        for bit in 1 << np.arange(_BITS):
            has_not = np.flatnonzero(values & bit == 0)
            other = values[has_not] | bit
            partners.append((has_not, self.table[other], self.table[other + 1]))
        for runs, begins, ends in partners:
            for index, offsets in _spread(ends - begins):
                one, other = runs[index], begins[index] + offsets
                differ = self.owners[one] != self.owners[other]
                yield one[differ], other[differ]

    def images(self, one: Ints, other: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield every image of one run with every image of the other, for pairs of runs."""
        for pairs, offsets in _spread(self.sizes[one]):
            left, right_runs = self.begins[one[pairs]] + offsets, other[pairs]
            for index, others in _spread(self.sizes[right_runs]):
                yield left[index], self.begins[right_runs[index]] + others


def _spread(counts: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield each index as often as its count, with numbers from 0, in batches."""
    totals = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = totals[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(totals, before + _PAIRS_AT_A_TIME, side="right")))
        index = np.repeat(np.arange(begin, end), counts[begin:end])
        yield index, np.arange(len(index)) - (totals - counts)[index] + before
        begin = end


def _near(left: Ints, right: Ints, columns: NDArray[np.uint64]) -> Ints:
    """Return the candidates within the radius, int64 (2, n); `columns` are the words of the hashes.

    Words are compared one by one, because most candidates are too far apart after the first.
    """
    bits = np.zeros(len(left), np.uint8)
    for word in columns:
        bits += np.bitwise_count(word[left] ^ word[right])
        keep = bits <= RADIUS
        left, right, bits = left[keep], right[keep], bits[keep]
    return np.stack([left, right])
