"""Pairs of pictures of different patients that look the same: equal files, or hashes close to one another."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

RADIUS = 24  # of 256 bits; copies were within it, other patients' pictures beyond 90 (docs/training-sets.md)
_CHUNKS = 16
_BITS = 16  # of a chunk
_PAIRS_AT_A_TIME = 500_000  # these stay in the processor's cache


def near_pairs(hashes: NDArray[np.uint8], owners: Ints) -> Ints:
    """All pairs of near-equal hashes of different owners, int64 (n, 2), each pair once, in order.

    Were two hashes to differ in two bits or more of each of 16 chunks, they would be 32 bits apart; so
    those within the radius have a chunk with one different bit at most, and none is missed.

    Parameters
    ----------
    hashes : uint8 array of shape (images, 32)
    owners : int array of shape (images,)
        Whose an image is, as a number.
    """
    if len(hashes) < 2:
        return np.empty((0, 2), np.int64)
    words = np.ascontiguousarray(hashes).view(np.uint64)
    # NumPy works on the arrays outside the GIL.
    with ThreadPoolExecutor(min(_CHUNKS, os.cpu_count() or 1)) as threads:
        found = list(threads.map(lambda chunk: _pairs_of_chunk(chunk, words, owners), _chunks(hashes)))
    return np.unique(np.concatenate(found), axis=0)


def equal_pairs(texts: NDArray[np.str_], owners: Ints) -> Ints:
    """Neighbours among equal texts of different owners, int64 (n, 2): enough to join all of them."""
    _, codes = np.unique(texts, return_inverse=True)
    order = np.lexsort((owners, codes))
    first, second = order[:-1], order[1:]
    joined = (codes[first] == codes[second]) & (owners[first] != owners[second])
    return np.stack([first[joined], second[joined]], axis=1)


def _chunks(hashes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """uint16 (16, images): chunks of bits from all over the hash.

    Low frequencies are much the same in all pictures of a kind; a chunk of them alone would make
    candidates of all pairs.
    """
    bits = np.unpackbits(hashes, axis=1).reshape(len(hashes), _CHUNKS, _BITS)
    mixed = np.stack([np.roll(bits[:, row], row, axis=1) for row in range(_CHUNKS)], axis=1)
    return np.packbits(mixed.transpose(2, 0, 1), axis=2).view(np.uint16)[:, :, 0]


def _pairs_of_chunk(chunk: NDArray[np.uint16], words: NDArray[np.uint64], owners: Ints) -> Ints:
    """The near pairs among images that differ in a chunk by one bit at most."""
    order = np.argsort((chunk.astype(np.int64) << 40) | owners)
    runs = _Runs.of(chunk[order], owners[order])
    columns = np.ascontiguousarray(words[order].T)
    near = [np.empty((2, 0), np.int64)]
    for one, other in runs.candidates():
        near.extend(_near(left, right, columns) for left, right in runs.images(one, other))
    return np.sort(order[np.concatenate(near, axis=1).T], axis=1)


@dataclass(frozen=True)
class _Runs:
    """Images in the order of chunk and owner; those equal in both are a run.

    A film of thousands of equal frames is one run, so that its own pairs, which nobody asks for, cost
    nothing.
    """

    values: NDArray[np.uint16]  # chunk of each run
    owners: Ints
    begins: Ints  # its first image
    sizes: Ints
    table: Ints  # (65537,): the first run whose value is at least so much

    @classmethod
    def of(cls, values: NDArray[np.uint16], owners: Ints) -> "_Runs":
        is_new = (values[1:] != values[:-1]) | (owners[1:] != owners[:-1])
        begins = np.flatnonzero(np.r_[True, is_new])
        first_values = values[begins]
        table = np.searchsorted(first_values, np.arange((1 << _BITS) + 1))
        return cls(first_values, owners[begins], begins, np.diff(np.r_[begins, len(values)]), table)

    def candidates(self) -> Iterator[tuple[Ints, Ints]]:
        """Pairs of runs of different owners whose values are equal, or differ in a bit."""
        every = np.arange(len(self.values))
        values = self.values.astype(np.int64)
        partners = [(every, every + 1, self.table[values + 1])]
        for bit in 1 << np.arange(_BITS):
            has_not = np.flatnonzero(values & bit == 0)
            other = values[has_not] | bit
            partners.append((has_not, self.table[other], self.table[other + 1]))
        for runs, begins, ends in partners:
            for places, offsets in _spread(ends - begins):
                one, other = runs[places], begins[places] + offsets
                differ = self.owners[one] != self.owners[other]
                yield one[differ], other[differ]

    def images(self, one: Ints, other: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Every image of one run with every image of the other, for pairs of runs."""
        for pairs, offsets in _spread(self.sizes[one]):
            left, right_runs = self.begins[one[pairs]] + offsets, other[pairs]
            for places, others in _spread(self.sizes[right_runs]):
                yield left[places], self.begins[right_runs[places]] + others


def _spread(counts: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Each place as often as its count says, with the numbers from 0, some at a time."""
    totals = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = totals[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(totals, before + _PAIRS_AT_A_TIME, side="right")))
        places = np.repeat(np.arange(begin, end), counts[begin:end])
        yield places, np.arange(len(places)) - (totals - counts)[places] + before
        begin = end


def _near(left: Ints, right: Ints, columns: NDArray[np.uint64]) -> Ints:
    """Those of the candidates within the radius, int64 (2, n); `columns` are the hashes' words.

    Word by word, as most are far by the first.
    """
    bits = np.zeros(len(left), np.uint8)
    for word in columns:
        bits += np.bitwise_count(word[left] ^ word[right])
        keep = bits <= RADIUS
        left, right, bits = left[keep], right[keep], bits[keep]
    return np.stack([left, right])
