"""Assign groups of patients to splits, so that every label is as common in each split as overall.

Greedy iterative stratification (Sechidis et al. 2011): groups with the rarest label come first, and each
goes to the split that lacks most of that label. Then groups are moved as long as that makes the splits
more alike. Groups that were assigned in an earlier version never move.
"""

import hashlib
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_LEVEL = 0.002  # of a split's images; smaller differences of a label are accepted
_SIZE_TOLERANCE = 10  # a difference in size counts this many times less than one of a label
_MAX_ROUNDS = 20


def place_groups(counts: Ints, placed: Ints, order: Sequence[int], shares: Sequence[float]) -> Ints:
    """Return the split of each group, int64 (groups,).

    Parameters
    ----------
    counts : int array of shape (groups, 1 + labels)
        Number of images of each group, and of its images with each label.
    placed : int array of shape (groups,)
        The split of each group from an earlier version, or -1.
    order : sequence of int
        A number for each group, which decides between groups and splits that are otherwise equal.
    shares : sequence of float
        The share of each split; they add up to 1.
    """
    splits = placed.copy()
    wanted = _still_wanted(counts, placed, shares)
    parts = _parts(counts)
    turn = np.asarray(order, np.uint64)
    waiting = splits < 0
    for label in _rarest_first(counts[waiting]):
        chosen = np.flatnonzero((splits < 0) & (counts[:, label] > 0))
        # Large groups come first, because small groups can balance what remains.
        for group in chosen[np.lexsort((turn[chosen], -counts[chosen, label]))].tolist():
            split = _split_lacking_most(wanted, label, int(turn[group]))
            splits[group] = split
            for column, number in parts[group]:
                wanted[split][column] -= number
    _level(counts, splits, np.flatnonzero(waiting), shares)
    return splits


def _level(counts: Ints, splits: Ints, free: Ints, shares: Sequence[float]) -> None:
    """Move free groups one by one, as long as each move makes the splits more alike.

    Each move reduces the sum of squares of what every split lacks of images and of every label, relative
    to the size of the split.
    """
    sizes = np.array(shares)[:, None] * max(1, int(counts[:, 0].sum()))
    lacking = np.array(_still_wanted(counts, splits, shares)) / sizes
    for _ in range(_MAX_ROUNDS):
        uneven = np.abs(lacking)
        uneven[:, 0] /= _SIZE_TOLERANCE
        if float(uneven.max(initial=0)) < _LEVEL:
            return
        moved = False
        for group in free.tolist():
            parts = counts[group] / sizes
            # (lacking)² becomes (lacking + part)² in the old split and (lacking - part)² in the new one.
            gains = ((lacking - parts) ** 2 - lacking**2).sum(axis=1)
            here = int(splits[group])
            gains += ((lacking[here] + parts[here]) ** 2 - lacking[here] ** 2).sum()
            gains[here] = 0
            to = int(gains.argmin())
            if gains[to] < -1e-12:
                lacking[here] += parts[here]
                lacking[to] -= parts[to]
                splits[group], moved = to, True
        if not moved:
            return


def keyed_order(key: str, names: Sequence[str]) -> list[int]:
    """Return a number for each name that depends only on the name and the key."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return [
        int.from_bytes(hashlib.blake2b(name.encode(), key=digest, digest_size=8).digest()) for name in names
    ]


def _still_wanted(counts: Ints, placed: Ints, shares: Sequence[float]) -> list[list[float]]:
    """Return how many images, in all and with each label, every split still lacks."""
    totals = counts.sum(axis=0)
    assigned = [counts[placed == split].sum(axis=0) for split in range(len(shares))]
    return [(share * totals - part).tolist() for share, part in zip(shares, assigned, strict=True)]


def _rarest_first(counts: Ints) -> list[int]:
    """Return label columns from the rarest on, and at the end the number of images (column 0)."""
    numbers = counts[:, 1:].sum(axis=0)
    labels = [int(label) + 1 for label in np.argsort(numbers, kind="stable") if numbers[label]]
    return [*labels, 0]


def _parts(counts: Ints) -> list[list[tuple[int, int]]]:
    """Return the columns of each group that aren't 0, with their numbers."""
    groups, columns = np.nonzero(counts)
    pairs = list(zip(columns.tolist(), counts[groups, columns].tolist(), strict=True))
    ends = np.searchsorted(groups, np.arange(len(counts) + 1)).tolist()
    return [pairs[begin:end] for begin, end in itertools.pairwise(ends)]


def _split_lacking_most(wanted: list[list[float]], label: int, turn: int) -> int:
    number = len(wanted)
    return max(
        range(number), key=lambda split: (wanted[split][label], wanted[split][0], (split + turn) % number)
    )
