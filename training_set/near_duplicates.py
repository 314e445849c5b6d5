"""Pairs of pictures of different patients that look the same: equal files, or hashes close to one another."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

RADIUS = 24  # of 256 bits; copies were within it, other patients' pictures beyond 90 (docs/training-sets.md)
_CHUNKS = 16
_PAIRS_AT_A_TIME = 2_000_000


def near_pairs(hashes: NDArray[np.uint8], owners: Ints) -> Ints:
    """Pairs of near-equal hashes of different owners, int64 (n, 2), each pair once, in order.

    Two hashes within 15 bits agree in at least one of 16 chunks (there are fewer differences than chunks),
    so all such pairs are found; at the radius itself about 99 % are.

    Parameters
    ----------
    hashes : uint8 array of shape (images, 32)
    owners : int array of shape (images,)
        Whose an image is, as a number.
    """
    if len(hashes) < 2:
        return np.empty((0, 2), np.int64)
    words = np.ascontiguousarray(hashes).view(np.uint64)
    found = [_pairs_of_chunk(chunk, words, owners) for chunk in _chunks(hashes)]
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
    bits = np.unpackbits(hashes, axis=1).reshape(len(hashes), _CHUNKS, _CHUNKS)
    mixed = np.stack([np.roll(bits[:, row], row, axis=1) for row in range(_CHUNKS)], axis=1)
    return np.packbits(mixed.transpose(2, 0, 1), axis=2).view(np.uint16)[:, :, 0]


def _pairs_of_chunk(chunk: NDArray[np.uint16], words: NDArray[np.uint64], owners: Ints) -> Ints:
    """The near pairs among images that agree in a chunk.

    Sorted by chunk and owner, the candidates of an image are those behind it up to the end of its
    value, less its owner's own.
    """
    order = np.argsort((chunk.astype(np.int64) << 40) | owners)
    values, whose = chunk[order], owners[order]
    ends = np.searchsorted(values, values, side="right")
    new_owner = np.flatnonzero(np.r_[True, (values[1:] != values[:-1]) | (whose[1:] != whose[:-1])])
    runs = np.diff(np.r_[new_owner, len(order)])
    starts = np.repeat(new_owner + runs, runs)
    numbers = np.maximum(ends - starts, 0)
    found = [np.empty((0, 2), np.int64)]
    begin = 0
    totals = np.cumsum(numbers)
    while begin < len(order):
        before = totals[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(totals, before + _PAIRS_AT_A_TIME, side="right")))
        left = np.repeat(np.arange(begin, end), numbers[begin:end])
        offsets = np.arange(len(left)) - np.repeat(
            totals[begin:end] - numbers[begin:end] - before, numbers[begin:end]
        )
        right = starts[left] + offsets
        found.append(_near(order[left], order[right], words))
        begin = end
    return np.concatenate(found)


def _near(left: Ints, right: Ints, words: NDArray[np.uint64]) -> Ints:
    """Those of the candidates within the radius; word by word, as most are far by the first."""
    bits = np.zeros(len(left), np.uint8)
    for word in range(words.shape[1]):
        bits += np.bitwise_count(words[left, word] ^ words[right, word])
        keep = bits <= RADIUS
        left, right, bits = left[keep], right[keep], bits[keep]
    return np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1)
