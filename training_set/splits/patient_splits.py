"""Choose every patient's split: stable across versions, no duplicate in two splits, stratified by label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.errors import PermanentError
from training_set.splits.patient_groups import (
    Ints,
    Pictures,
    duplicate_pairs,
    group_patients,
    images_to_leave_out,
)
from training_set.splits.stratified_split import keyed_order, place_groups

_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class AssignedSplit:
    """The split that a patient got in an earlier version."""

    split: str
    first_version: int  # that held the patient


@dataclass(frozen=True)
class ImageSplits:
    """The split of each image."""

    splits: NDArray[np.int64]  # (images,): index into the list of splits
    left_out: NDArray[np.bool_]  # (images,): repeats a picture of another split
    joined_patients: int  # number of patients that share a picture with another patient


def split_images(
    table: pa.Table,
    values: NDArray[np.float64],
    *,
    assigned: Mapping[str, AssignedSplit],
    shares: Mapping[str, float],
    key: str,
) -> ImageSplits:
    """Choose the split of every image.

    Parameters
    ----------
    table : Table
        With the columns patient_id, sha256, picture_hash and image_id.
    values : float array of shape (images, labels)
        A label counts as present from 0.5 on.
    assigned : mapping
        The splits of patients from earlier versions.
    shares : mapping
        The share of each split.
    key : str
        Decides between otherwise equal patients; made of name and seed.

    Raises
    ------
    PermanentError
        If an assigned split is not among the shares.
    """
    pictures, names = _pictures(table)
    pairs = duplicate_pairs(pictures, links_only=True)
    groups = group_patients(len(names), pairs, pictures)
    assigned_splits, first = _assigned(names, assigned, list(shares))
    units, fixed, order = _units(groups, assigned_splits, first, np.array(keyed_order(key, names), np.uint64))
    counts = _counted(units[pictures.patients], values, len(fixed))
    splits = place_groups(counts, fixed, order, list(shares.values()))[units][pictures.patients]
    order_of_images = first[pictures.patients], table["image_id"].to_numpy()
    left_out = _left_out(pictures, pairs, groups[pictures.patients], splits, order_of_images)
    sizes = np.bincount(groups)
    return ImageSplits(splits, left_out, int(sizes[sizes > 1].sum()))


def _pictures(table: pa.Table) -> tuple[Pictures, list[str]]:
    """Return the data for finding duplicates, and the patients' names by number."""
    encoded = table["patient_id"].combine_chunks().dictionary_encode()
    hashes, has_hash = unpacked_hashes(table["picture_hash"])
    digests = table["sha256"].to_numpy(zero_copy_only=False).astype(str)
    pictures = Pictures(encoded.indices.to_numpy().astype(np.int64), digests, hashes, has_hash)
    return pictures, encoded.dictionary.to_pylist()


def _left_out(
    pictures: Pictures, pairs: Ints, groups: Ints, splits: Ints, order: tuple[Ints, Ints]
) -> NDArray[np.bool_]:
    """Return which images repeat a picture of another split. Only groups in several splits are searched.

    `order` holds the first version of each image's patient, and the image's id; the later image is left out.
    """
    left_out = np.zeros(len(splits), bool)
    crossing = pairs[splits[pairs[:, 0]] != splits[pairs[:, 1]]]
    if len(crossing):
        chosen = np.flatnonzero(np.isin(groups, groups[crossing[:, 0]]))
        rank = _rank(*(each[chosen] for each in order))
        left_out[chosen] = images_to_leave_out(pictures.part(chosen), splits[chosen], rank)
    return left_out


def unpacked_hashes(hashes: pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return hashes in hex as uint8 (images, 32), and which images have one."""
    has_hash = pc.is_valid(hashes).to_numpy()
    packed = np.zeros((len(hashes), 32), np.uint8)
    text = "".join(hashes.drop_null().to_pylist())
    packed[has_hash] = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, 32)
    return packed, has_hash


def _assigned(
    names: Sequence[str], assigned: Mapping[str, AssignedSplit], splits: Sequence[str]
) -> tuple[Ints, Ints]:
    """Return each patient's split from an earlier version, or -1, and its first version."""
    splits_before, first = np.full(len(names), -1), np.full(len(names), _NEVER)
    for number, name in enumerate(names):
        known = assigned.get(name)
        if known is None:
            continue
        if known.split not in splits:
            raise PermanentError(
                f"Patients have been in the split {known.split} since version {known.first_version} and "
                "stay there: add it to --split or start another training set."
            )
        splits_before[number], first[number] = splits.index(known.split), known.first_version
    return splits_before, first


def _units(
    groups: Ints, assigned: Ints, first: Ints, turn: NDArray[np.uint64]
) -> tuple[Ints, Ints, list[int]]:
    """Return the unit of each patient, and the fixed split (or -1) and the order number of each unit.

    All patients of a unit get the same split. A patient with an assigned split is a unit of its own. The
    other patients of a group form one unit, which follows the group's earliest assigned patient.
    """
    number = len(groups)
    placed = np.full(number, -1)
    for patient in np.lexsort((turn, -first)).tolist():  # the earliest comes last and so wins
        if assigned[patient] >= 0:
            placed[groups[patient]] = assigned[patient]
    is_old = assigned >= 0
    _, units = np.unique(np.where(is_old, number + np.arange(number), groups), return_inverse=True)
    amount = int(units.max()) + 1
    fixed = np.full(amount, -1)
    fixed[units] = np.where(is_old, assigned, placed[groups])
    order = np.full(amount, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(order, units, turn)
    return units, fixed, order.tolist()


def _counted(units: Ints, values: NDArray[np.float64], amount: int) -> Ints:
    """Return the number of images of each unit, and of its images with each label."""
    counts = np.zeros((amount, 1 + values.shape[1]), np.int64)
    counts[:, 0] = np.bincount(units, minlength=amount)
    for label in range(values.shape[1]):
        counts[:, label + 1] = np.bincount(units[values[:, label] >= 0.5], minlength=amount)
    return counts


def _rank(first: Ints, image_ids: Ints) -> Ints:
    """Return the rank of each image: by the patient's first version, then by the image's id."""
    rank = np.empty(len(first), np.int64)
    rank[np.lexsort((image_ids, first))] = np.arange(len(first))
    return rank
