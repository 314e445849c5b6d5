"""Find pictures of different patients that look the same: equal files or similar hashes.

Multi-index hashing (Norouzi, Punjani and Fleet 2012) with the pigeonhole principle in its general form. The
256 bits are dealt into twelve chunks of 20 bits, which may differ in one bit, and one of 16 bits, which must
be equal. Two hashes that fail in all thirteen are at least 12 · 2 + 1 = 25 bits apart. So every pair within
24 bits is a candidate of at least one chunk, however the bits were dealt.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training_set.splits.chunk_candidates import Runs
from training_set.splits.spread import Ints, joined

RADIUS = (
    24  # of 256 bits; copies differed by less, other patients' pictures by over 90 (docs/training-sets.md)
)
_CHUNKS, _BITS = 12, 20  # chunks that may differ in one bit, three in each word of 64 bits
_FEWEST_BITS = 8  # of a chunk: few hashes need few values, whose tables are smaller
_LAST_BITS = 16  # of the chunk that must be equal: the lowest four of each word
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
_SAMPLE, _AT_A_TIME = 1 << 16, 1 << 13  # hashes whose bits are unpacked
_MANY_HASHES, _CENTRES, _MANY_PAIRS = 100, 4, 2_000_000


@dataclass(frozen=True)
class DistinctHashes:
    """The different hashes among those of many images."""

    hashes: NDArray[np.uint8]  # (hashes, 32)
    numbers: Ints  # (images,): which hash an image has
    first: Ints  # (hashes,): the image with the lowest owner
    last: Ints  # (hashes,): the image with the highest owner
    equal: Ints  # (n, 2): neighbours among images of equal hashes and different owners

    @classmethod
    def of(cls, hashes: NDArray[np.uint8], owners: Ints) -> "DistinctHashes":
        words = np.ascontiguousarray(hashes).view(np.uint64)
        mixed = (words * _ODD).sum(axis=1, dtype=np.uint64)  # equal hashes have equal sums
        order = np.argsort(mixed)
        is_same = mixed[order[1:]] == mixed[order[:-1]]
        ties = np.flatnonzero(np.r_[is_same, False] | np.r_[False, is_same])
        tied = order[ties]
        order[ties] = tied[np.lexsort((owners[tied], *words[tied].T, mixed[tied]))]
        is_new = np.r_[True, ~is_same][: len(order)]
        tied = order[ties]
        is_new[ties[1:]] |= (words[tied[1:]] != words[tied[:-1]]).any(axis=1)
        numbers = np.empty(len(order), np.int64)
        numbers[order] = np.cumsum(is_new) - 1
        first, last = order[is_new], order[np.r_[is_new, True][1:]]
        joined = ~is_new[1:] & (owners[order[1:]] != owners[order[:-1]])
        return cls(
            hashes[first], numbers, first, last, np.stack([order[:-1][joined], order[1:][joined]], axis=1)
        )


def equal_pairs(texts: NDArray[Any], owners: Ints) -> Ints:
    """Return neighbours among equal values of different owners, int64 (n, 2), which connects all of them."""
    _, codes = np.unique(texts, return_inverse=True)
    order = np.lexsort((owners, codes))
    first, second = order[:-1], order[1:]
    joined = (codes[first] == codes[second]) & (owners[first] != owners[second])
    return np.stack([first[joined], second[joined]], axis=1)


def near_pairs(hashes: NDArray[np.uint8], owners: Ints, *, links_only: bool = False) -> Ints:
    """Return pairs of images of different owners with near-equal hashes, int64 (n, 2), sorted.

    Images with equal hashes are paired only with their neighbours, and two near hashes give one pair, which
    is enough to connect all owners.

    Parameters
    ----------
    hashes : uint8 array of shape (images, 32)
    owners : int array of shape (images,)
        The number of the patient, or of the split, that an image belongs to.
    links_only : bool
        Leave out pairs of owners that other pairs already connect. A cluster of thousands of similar
        pictures would otherwise give millions of pairs.
    """
    if len(hashes) < 2:
        return np.empty((0, 2), np.int64)
    distinct = DistinctHashes.of(hashes, owners)
    codes = owners[distinct.first]
    if links_only:
        codes = _joined(int(owners.max()) + 1, owners[distinct.equal])[codes]
    else:  # a hash of several owners is paired with all near hashes, so it gets a code of its own
        is_shared = codes != owners[distinct.last]
        codes = np.where(is_shared, int(owners.max()) + 1 + np.arange(len(codes)), codes)
    near = near_hashes(distinct.hashes, codes, links_only=links_only)
    return np.unique(
        np.concatenate([np.sort(distinct.equal, axis=1), _images(near, distinct, owners)]), axis=0
    )


def _images(near: Ints, distinct: DistinctHashes, owners: Ints) -> Ints:
    """Return two images of different owners for each pair of hashes."""
    one, other = distinct.first[near[:, 0]], distinct.first[near[:, 1]]
    same = owners[one] == owners[other]
    one = np.where(same, distinct.last[near[:, 0]], one)
    same = owners[one] == owners[other]
    other = np.where(same, distinct.last[near[:, 1]], other)
    return np.sort(np.stack([one, other], axis=1), axis=1)


def near_hashes(hashes: NDArray[np.uint8], owners: Ints, *, links_only: bool = False) -> Ints:
    """Return all pairs of near, different hashes of different owners, int64 (n, 2), each pair once."""
    if len(hashes) < 2:
        return np.empty((0, 2), np.int64)
    workers = min(os.cpu_count() or 1, 4)
    pairs = np.empty((0, 2), np.int64)
    owners = np.unique(owners, return_inverse=True)[1]
    with ThreadPoolExecutor(workers) as threads:  # NumPy releases the GIL for these operations
        words = _dealt(hashes, threads)
        for begin in range(0, _CHUNKS + 1, workers):
            chunks = range(begin, min(begin + workers, _CHUNKS + 1))
            tasks = [
                threads.submit(_pairs_of_chunk, chunk, words, owners, links_only=links_only)
                for chunk in chunks
            ]
            found = np.concatenate([task.result() for task in tasks])
            if links_only:
                found = _spanning(found, owners)
                owners = _joined(len(owners), owners[found])[owners]
            pairs = np.concatenate([pairs, found])
    return np.unique(pairs, axis=0)


def _dealt(hashes: NDArray[np.uint8], threads: ThreadPoolExecutor) -> list[NDArray[np.uint64]]:
    """Return four words of each hash, with the bits in another order, uint64 (hashes,).

    Low frequencies are similar in all pictures of a kind, so some bits are nearly always the same. They are
    dealt evenly to all chunks: a chunk of such bits alone would make every pair a candidate.
    """
    sample = np.unpackbits(hashes[:: max(1, len(hashes) // _SAMPLE)], axis=1)
    by_evenness = np.argsort(np.abs(sample.mean(axis=0) - 0.5), kind="stable")
    is_last = np.arange(len(by_evenness)) % _LAST_BITS == _LAST_BITS - 1
    chunks = by_evenness[~is_last].reshape(_BITS, _CHUNKS).T.copy()
    chunks[:, 1::2] = chunks[::-1, 1::2]  # to and fro
    lowest = by_evenness[is_last].reshape(4, 4)
    order = np.concatenate(
        [np.r_[chunks[3 * word : 3 * word + 3].ravel(), lowest[word]] for word in range(4)]
    )
    words = np.empty((4, len(hashes)), np.uint64)

    def deal(begin: int) -> None:
        bits = np.unpackbits(hashes[begin : begin + _AT_A_TIME], axis=1)
        dealt = np.packbits(bits.take(order, axis=1), axis=1).view(">u8")
        words[:, begin : begin + _AT_A_TIME] = dealt.T

    list(threads.map(deal, range(0, len(hashes), _AT_A_TIME)))
    return list(words)


def _pairs_of_chunk(
    chunk: int, words: Sequence[NDArray[np.uint64]], owners: Ints, *, links_only: bool
) -> Ints:
    """Return the near pairs among hashes that agree in a chunk."""
    is_last = chunk == _CHUNKS
    bits = _LAST_BITS if is_last else min(_BITS, max(_FEWEST_BITS, len(owners).bit_length()))
    values = _values(chunk, words, bits)
    stars = _stars(values, words, bits) if links_only else np.empty((0, 2), np.int64)
    stars = stars[owners[stars[:, 0]] != owners[stars[:, 1]]]
    if len(stars):
        owners = _joined(len(owners), owners[stars])[owners]
    runs = Runs.of(values, owners, bits)
    steps = _steps(chunk)
    first, most = steps[0]
    column = words[first][runs.order]
    found, number = [stars], 0
    for left, right in joined(runs.near_pairs(column, most, with_neighbours=not is_last)):
        one, other = runs.order[left], runs.order[right]
        differ = np.flatnonzero(owners[one] != owners[other])
        near = _near(one[differ], other[differ], words, steps)
        found.append(near)
        number += len(near)
        if links_only and number > _MANY_PAIRS:
            found, number = [stars, _spanning(np.concatenate(found[1:]), owners)], 0
    return np.sort(np.concatenate(found), axis=1)


def _stars(values: Ints, words: Sequence[NDArray[np.uint64]], bits: int) -> Ints:
    """Return near pairs with a few centres of each chunk that many hashes have.

    They link most of a cluster of thousands of similar pictures, before each is compared with each.
    """
    counts = np.bincount(values, minlength=1 << bits)
    many = np.flatnonzero((counts > _MANY_HASHES)[values])
    if not len(many):
        return np.empty((0, 2), np.int64)
    order = many[np.argsort(values[many], kind="stable")]
    chunks, begins, sizes = np.unique(values[order], return_index=True, return_counts=True)
    turned = chunks[:, None] ^ np.r_[0, 1 << np.arange(bits)]  # the chunk and its neighbours
    largest = np.take_along_axis(turned, counts[turned].argmax(axis=1)[:, None], axis=1)[:, 0]
    found = []
    for number in range(_CENTRES):
        centres = order[begins + sizes * number // _CENTRES]
        pairs = [(np.repeat(centres, sizes), order), (centres, centres[np.searchsorted(chunks, largest)])]
        left, right = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
        differ = left != right
        found.append(_near(left[differ], right[differ], words, [(word, RADIUS) for word in range(4)]))
    return np.concatenate(found)


def _values(chunk: int, words: Sequence[NDArray[np.uint64]], bits: int) -> Ints:
    """Return the value of a chunk in each hash, or of its first bits."""
    if chunk < _CHUNKS:
        shift = 64 - _BITS * (chunk % 3) - bits
        values = words[chunk // 3] >> np.uint64(shift) & np.uint64((1 << bits) - 1)
    else:
        values = np.zeros(len(words[0]), np.uint64)
        for word in words:
            values = values << np.uint64(4) | word & np.uint64(15)
    return values.astype(np.int64)


def _steps(chunk: int) -> list[tuple[int, int]]:
    """Return the order of words in which candidates of a chunk are compared, each with its most bits.

    A pair that earlier chunks have not found differs in two bits or more of each of them. So the words that
    were compared may differ in fewer bits, by two for each earlier chunk in the other words.
    """
    own = min(chunk // 3, 3)
    words = [*range(own + 1, 4), *range(own, -1, -1)]
    earlier = [min(3, max(0, chunk - 3 * word)) for word in range(4)]
    return [
        (word, RADIUS - 2 * sum(earlier[other] for other in words[step + 1 :]))
        for step, word in enumerate(words)
    ]


def _near(
    left: Ints, right: Ints, columns: Sequence[NDArray[np.uint64]], steps: Sequence[tuple[int, int]]
) -> Ints:
    """Return the candidates within the radius, int64 (n, 2).

    Words are compared one by one, because most candidates are too far apart after the first.
    """
    bits = np.zeros(len(left), np.uint8)
    for word, most in steps:
        bits += np.bitwise_count(columns[word][left] ^ columns[word][right])
        keep = np.flatnonzero(bits <= most)
        left, right, bits = left[keep], right[keep], bits[keep]
    return np.stack([left, right], axis=1)


def _joined(number: int, pairs: Ints) -> Ints:
    """Return the component of each of `number` owners that the pairs connect."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(number, number))
    components: Ints = connected_components(joined, directed=False)[1].astype(np.int64)
    return components


def _spanning(pairs: Ints, owners: Ints) -> Ints:
    """Return as few of the pairs as connect the same owners."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    number = int(owners.max()) + 1
    ends = np.sort(owners[pairs], axis=1)
    _, once = np.unique(ends[:, 0] * number + ends[:, 1], return_index=True)
    ends = ends[once]
    graph = coo_array((once + 1.0, (ends[:, 0], ends[:, 1])), shape=(number, number)).tocsr()
    chosen: Ints = minimum_spanning_tree(graph).data.astype(np.int64) - 1
    return pairs[chosen]
