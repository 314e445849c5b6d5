"""Groups of patients into splits, so that every label is as common in each split as in the whole.

Greedy iterative stratification (Sechidis et al. 2011): the rarest label's groups first, each to the
split that still lacks most of it. Then, while labels differ, groups move wherever that levels them.
What was placed in an earlier version stays where it is.
"""

import hashlib
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_LEVEL = 0.002  # of a split's images; a label that differs less from the whole is level
_SIZE_MATTERS = 10  # times less than a label
_MOST_ROUNDS = 20


def place_groups(counts: Ints, placed: Ints, order: Sequence[int], shares: Sequence[float]) -> Ints:
    """The split of each group, int64 (groups,).

    Parameters
    ----------
    counts : int array of shape (groups, 1 + labels)
        Images of each group, and those with each label.
    placed : int array of shape (groups,)
        The split it has from an earlier version, or -1.
    order : sequence of int
        A number for each group, by which groups and splits alike in all else are told apart.
    shares : sequence of float
        Of each split; they add up to 1.
    """
    splits = placed.copy()
    wanted = _still_wanted(counts, placed, shares)
    parts = _parts(counts)
    turn = np.asarray(order, np.uint64)
    waiting = splits < 0
    for label in _rarest_first(counts[waiting]):
        chosen = np.flatnonzero((splits < 0) & (counts[:, label] > 0))
        # Large groups first: the small ones level out what they leave.
        for group in chosen[np.lexsort((turn[chosen], -counts[chosen, label]))].tolist():
            split = _neediest(wanted, label, int(turn[group]))
            splits[group] = split
            for column, number in parts[group]:
                wanted[split][column] -= number
    _level(counts, splits, np.flatnonzero(waiting), shares)
    return splits


def _level(counts: Ints, splits: Ints, free: Ints, shares: Sequence[float]) -> None:
    """Move free groups, one at a time, as long as each move makes the splits more alike.

    What is made smaller is the sum of squares of what every split lacks of every label and of images,
    as a part of its size.
    """
    sizes = np.array(shares)[:, None] * max(1, int(counts[:, 0].sum()))
    lacking = np.array(_still_wanted(counts, splits, shares)) / sizes
    for _ in range(_MOST_ROUNDS):
        uneven = np.abs(lacking)
        uneven[:, 0] /= _SIZE_MATTERS
        if float(uneven.max(initial=0)) < _LEVEL:
            return
        moved = False
        for group in free.tolist():
            parts = counts[group] / sizes
            # From (lacking)² to (lacking + part)² where it is, to (lacking - part)² where it would be.
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
    """A number for each name that depends on nothing but name and key."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return [
        int.from_bytes(hashlib.blake2b(name.encode(), key=digest, digest_size=8).digest()) for name in names
    ]


def _still_wanted(counts: Ints, placed: Ints, shares: Sequence[float]) -> list[list[float]]:
    """How many images, and of each label, every split still wants."""
    whole = counts.sum(axis=0)
    there = [counts[placed == split].sum(axis=0) for split in range(len(shares))]
    return [(share * whole - part).tolist() for share, part in zip(shares, there, strict=True)]


def _rarest_first(counts: Ints) -> list[int]:
    """Labels from the rarest on, and last the images themselves (column 0)."""
    numbers = counts[:, 1:].sum(axis=0)
    labels = [int(label) + 1 for label in np.argsort(numbers, kind="stable") if numbers[label]]
    return [*labels, 0]


def _parts(counts: Ints) -> list[list[tuple[int, int]]]:
    """Of each group the columns that are not 0, with their numbers."""
    groups, columns = np.nonzero(counts)
    pairs = list(zip(columns.tolist(), counts[groups, columns].tolist(), strict=True))
    ends = np.searchsorted(groups, np.arange(len(counts) + 1)).tolist()
    return [pairs[begin:end] for begin, end in itertools.pairwise(ends)]


def _neediest(wanted: list[list[float]], label: int, turn: int) -> int:
    number = len(wanted)
    return max(
        range(number), key=lambda split: (wanted[split][label], wanted[split][0], (split + turn) % number)
    )
