"""Compare the hashes whose chunks differ in one bit, most of them without looking them up.

There are about as many values of a chunk as hashes, so an array with one entry for each value is well filled.
The values with one bit turned are the same array read in another order: comparing both compares half a
million pairs of hashes at once. The first two hashes of each value are in two such arrays, the slots.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training_set.splits.spread import AT_A_TIME, Ints, Pairs, spread

Words = NDArray[np.uint64]
_SLOTS = 2
_EMPTY = np.uint64(0x5555555555555555)  # neighbours, of which one has an even number of bits, have ~ of it


@dataclass(frozen=True)
class Slot:
    """At most one hash of each value of a chunk; both arrays have one entry for each value."""

    words: Words  # the word of the hash that is compared
    positions: NDArray[np.int32]  # of the hash; -1: none

    def turned(self, bits: int) -> "Slot":
        """Return the slot with the lower `bits` of each value above the others."""
        shape = (-1, 1 << bits)
        return Slot(self.words.reshape(shape).T.ravel(), self.positions.reshape(shape).T.ravel())


@dataclass(frozen=True)
class ChunkSlots:
    """Hashes sorted by a chunk."""

    words: Words  # of each hash
    first: Ints  # (values of the chunk): the position of the first hash
    counts: Ints  # (values of the chunk)

    @property
    def bits(self) -> int:
        """The bits of a chunk."""
        return (len(self.counts) - 1).bit_length()

    @cached_property
    def slots(self) -> list[Slot]:
        """The first hashes of each value."""
        is_odd = np.bitwise_count(np.arange(len(self.counts))) & 1
        found = []
        for number in range(_SLOTS):
            used = np.flatnonzero(self.counts > number)
            at = self.first[used] + number
            words, positions = np.where(is_odd, _EMPTY, ~_EMPTY), np.full(len(self.counts), -1, np.int32)
            words[used], positions[used] = self.words[at], at
            found.append(Slot(words, positions))
        return found

    def near_neighbours(self, most: int) -> Iterator[Pairs]:
        """Yield hashes whose chunks differ in one bit, and whose words in at most so many bits."""
        half = self.bits // 2
        # Long rows are faster, so the lower bits are compared where they are the upper ones.
        turned = [slot.turned(half) for slot in self.slots]
        for layout, bits in (
            (self.slots, range(half, self.bits)),
            (turned, range(self.bits - half, self.bits)),
        ):
            for bit in bits:
                for one in layout:
                    for other in layout:
                        yield _near_in_slots(one, other, bit, most)
        yield from self._near_to_others(most)

    def _near_to_others(self, most: int) -> Iterator[Pairs]:
        """Yield the near hashes of which one or both are in no slot."""
        number = np.maximum(self.counts - _SLOTS, 0)
        begins = self.first + _SLOTS
        values = np.flatnonzero(number)
        for value, position in spread(values, begins[values], number[values]):
            words = self.words[position]
            for bit in range(self.bits):
                other = value ^ (1 << bit)
                for slot in self.slots:
                    near = (np.bitwise_count(words ^ slot.words[other]) <= most).nonzero()[0]
                    found = slot.positions[other[near]]
                    yield position[near[found >= 0]], found[found >= 0].astype(np.int64)
                is_low = (value < other).nonzero()[0]
                low, high = position[is_low], other[is_low]
                for left, right in spread(low, begins[high], number[high]):
                    near = (np.bitwise_count(self.words[left] ^ self.words[right]) <= most).nonzero()[0]
                    yield left[near], right[near]


def _near_in_slots(one: Slot, other: Slot, bit: int, most: int) -> Pairs:
    """Return near hashes of one slot, whose values lack the bit, and of the other, whose values have it."""
    words, others = (each.reshape(-1, 2, 1 << bit) for each in (one.words, other.words))
    is_near = np.empty((len(words), 1 << bit), bool)
    columns = min(AT_A_TIME, 1 << bit)
    rows = AT_A_TIME // columns
    for row in range(0, len(words), rows):
        for column in range(0, 1 << bit, columns):
            block, place = np.s_[row : row + rows], np.s_[column : column + columns]
            differing = np.bitwise_count(words[block, 0, place] ^ others[block, 1, place])
            np.less_equal(differing, most, out=is_near[block, place])
    near = is_near.ravel().nonzero()[0]
    value = ((near >> bit) << (bit + 1)) | (near & ((1 << bit) - 1))
    left, right = one.positions[value], other.positions[value | (1 << bit)]
    used = ((left >= 0) & (right >= 0)).nonzero()[0]
    return left[used].astype(np.int64), right[used].astype(np.int64)
