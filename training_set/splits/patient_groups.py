"""Group patients that share a picture, and find images that must be left out."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from training_set.splits.near_duplicates import DistinctHashes, equal_pairs, near_hashes, near_pairs

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Pictures:
    """The data for finding duplicates; all arrays have one entry per image, in the same order."""

    patients: Ints  # the number of the patient
    sha256: NDArray[np.str_]  # of the PNG file
    hashes: NDArray[np.uint8]  # (images, 32)
    has_hash: NDArray[np.bool_]  # nearly uniform pictures have no hash

    def part(self, chosen: Ints) -> "Pictures":
        """Return the chosen images."""
        return Pictures(
            self.patients[chosen], self.sha256[chosen], self.hashes[chosen], self.has_hash[chosen]
        )


@dataclass(frozen=True)
class Grouping:
    """The patients of the images, in groups that should not be divided."""

    pictures: Pictures
    names: list[str]  # the pseudonym of each patient
    pairs: Ints  # (n, 2): pictures that connect all patients who share one
    groups: Ints  # (patients,)

    @classmethod
    def of(cls, table: pa.Table, together: Ints | None = None) -> "Grouping":
        """Group the patients who share a picture or, if given, a value of `together`, int64 (images,)."""
        encoded = table["patient_id"].combine_chunks().dictionary_encode()
        hashes, has_hash = unpacked_hashes(table["picture_hash"])
        digests = table["sha256"].to_numpy(zero_copy_only=False).astype(str)
        pictures = Pictures(encoded.indices.to_numpy().astype(np.int64), digests, hashes, has_hash)
        names = encoded.dictionary.to_pylist()
        pairs = duplicate_pairs(pictures, links_only=True)
        joined = (
            pairs if together is None else np.concatenate([pairs, equal_pairs(together, pictures.patients)])
        )
        return cls(pictures, names, pairs, group_patients(len(names), joined, pictures))


def unpacked_hashes(hashes: pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return hashes in hex as uint8 (images, 32), and which images have one."""
    has_hash = pc.is_valid(hashes).to_numpy()
    packed = np.zeros((len(hashes), 32), np.uint8)
    text = "".join(hashes.drop_null().to_pylist())
    packed[has_hash] = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, 32)
    return packed, has_hash


def duplicate_pairs(pictures: Pictures, *, links_only: bool = False) -> Ints:
    """Return pairs of images of different patients that look the same, int64 (n, 2).

    Equal files are paired only with their neighbours, which is enough to connect all of them. With
    `links_only`, so are similar pictures: the pairs connect the same patients as all pairs would.
    """
    hashed = np.flatnonzero(pictures.has_hash)
    near = hashed[near_pairs(pictures.hashes[hashed], pictures.patients[hashed], links_only=links_only)]
    return np.concatenate([equal_pairs(pictures.sha256, pictures.patients), near])


def group_patients(number: int, pairs: Ints, pictures: Pictures) -> Ints:
    """Return the group of each of `number` patients, int64 (patients,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left, right = pictures.patients[pairs[:, 0]], pictures.patients[pairs[:, 1]]
    joined = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(number, number))
    groups: Ints = connected_components(joined, directed=False)[1].astype(np.int64)
    return groups


def images_to_leave_out(pictures: Pictures, splits: Ints, rank: Ints) -> NDArray[np.bool_]:
    """Return which images repeat a picture of another split; of two images, the one with higher rank.

    Needed only if patients that were assigned to different splits in earlier versions share pictures.
    """
    hashed = np.flatnonzero(pictures.has_hash)
    distinct = DistinctHashes.of(pictures.hashes[hashed], splits[hashed])
    numbers = np.full(len(splits), -1)
    numbers[hashed] = distinct.numbers
    near = near_hashes(distinct.hashes, np.arange(len(distinct.hashes)))
    alike: dict[int, list[int]] = {number: [number] for number in range(len(distinct.hashes))}
    for one, other in near.tolist():
        alike[one].append(other)
        alike[other].append(one)
    left_out = np.zeros(len(splits), bool)
    kept: dict[int, set[int]] = {number: set() for number in alike}  # splits of the images with a hash
    split_of_file: dict[str, int] = {}  # the split that holds a file, by SHA-256
    for image in np.argsort(rank, kind="stable").tolist():
        split, number, file = int(splits[image]), int(numbers[image]), str(pictures.sha256[image])
        is_repeated = split_of_file.get(file, split) != split
        if is_repeated or any(kept[each] - {split} for each in alike.get(number, ())):
            left_out[image] = True
            continue
        split_of_file[file] = split
        if number >= 0:
            kept[number].add(split)
    return left_out
