"""Patients that share a picture are kept together: connected groups over duplicates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training_set.splits.near_duplicates import equal_pairs, near_pairs

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Pictures:
    """What is asked of the images to find duplicates; all of one length, in one order."""

    patients: Ints  # number of the patient
    sha256: NDArray[np.str_]  # of the file
    hashes: NDArray[np.uint8]  # (images, 32)
    has_hash: NDArray[np.bool_]  # nearly uniform pictures have none

    def part(self, chosen: Ints) -> "Pictures":
        """Some of the images."""
        return Pictures(
            self.patients[chosen], self.sha256[chosen], self.hashes[chosen], self.has_hash[chosen]
        )


def duplicate_pairs(pictures: Pictures) -> Ints:
    """Pairs of images of different patients that look the same, int64 (n, 2).

    Of equal files only neighbours are paired, which joins them all.
    """
    hashed = np.flatnonzero(pictures.has_hash)
    near = hashed[near_pairs(pictures.hashes[hashed], pictures.patients[hashed])]
    return np.concatenate([equal_pairs(pictures.sha256, pictures.patients), near])


def group_patients(number: int, pairs: Ints, pictures: Pictures) -> Ints:
    """The group of each of so many patients, int64 (patients,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left, right = pictures.patients[pairs[:, 0]], pictures.patients[pairs[:, 1]]
    joined = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(number, number))
    groups: Ints = connected_components(joined, directed=False)[1].astype(np.int64)
    return groups


def images_to_leave_out(pictures: Pictures, splits: Ints, rank: Ints) -> NDArray[np.bool_]:
    """Images that would repeat a picture of another split; of two, the one of higher rank.

    Only needed where patients that were put into different splits before turn out to share pictures.
    """
    left_out = np.zeros(len(splits), bool)
    by_split = Pictures(splits, pictures.sha256, pictures.hashes, pictures.has_hash)
    hashed = np.flatnonzero(pictures.has_hash)
    near = hashed[near_pairs(pictures.hashes[hashed], splits[hashed])]
    alike: dict[int, list[int]] = {}
    for one, other in near.tolist():
        alike.setdefault(one, []).append(other)
        alike.setdefault(other, []).append(one)
    owner: dict[str, int] = {}  # the split that has the file
    for image in np.argsort(rank, kind="stable").tolist():
        split = int(by_split.patients[image])
        neighbours = [each for each in alike.get(image, ()) if rank[each] < rank[image]]
        is_repeated = owner.get(str(pictures.sha256[image]), split) != split
        if is_repeated or any(not left_out[each] for each in neighbours):
            left_out[image] = True
        else:
            owner[str(pictures.sha256[image])] = split
    return left_out
