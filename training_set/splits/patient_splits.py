"""Every patient's split: stable over versions, whole patients, no duplicate in two, labels alike."""

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
from training_set.versions.set_versions import Assigned

_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class ImageSplits:
    """Where each image goes."""

    splits: NDArray[np.int64]  # (images,), a place in the list of splits
    left_out: NDArray[np.bool_]  # (images,): would repeat a picture of another split
    joined_patients: int  # that share a picture with another patient


def split_images(
    table: pa.Table,
    values: NDArray[np.float64],
    *,
    assigned: Mapping[str, Assigned],
    shares: Mapping[str, float],
    key: str,
) -> ImageSplits:
    """The split of every image.

    Parameters
    ----------
    table : Table
        With patient_id, sha256, picture_hash and image_id.
    values : float array of shape (images, labels)
        From 0.5 on a label counts as present.
    assigned : mapping
        Patients that were in a version before.
    shares : mapping
        Of each split.
    key : str
        What draws among patients alike: name and seed.

    Raises
    ------
    PermanentError
        If a patient was put into a split that is not among the shares.
    """
    encoded = table["patient_id"].combine_chunks().dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    packed, has_hash = hash_bits(table["picture_hash"])
    digests = table["sha256"].to_numpy(zero_copy_only=False).astype(str)
    pictures = Pictures(encoded.indices.to_numpy().astype(np.int64), digests, packed, has_hash)
    pairs = duplicate_pairs(pictures)
    groups = group_patients(len(names), pairs, pictures)
    before, first = _before(names, assigned, list(shares))
    turn = np.array(keyed_order(key, names), np.uint64)
    units, fixed, order = _units(groups, before, first, turn)
    counts = _counted(units[pictures.patients], values, len(fixed))
    patients = place_groups(counts, fixed, order, list(shares.values()))[units]
    splits = patients[pictures.patients]
    left_out = np.zeros(len(splits), bool)
    crossing = pairs[splits[pairs[:, 0]] != splits[pairs[:, 1]]]
    if len(crossing):
        mixed = np.unique(groups[pictures.patients[crossing[:, 0]]])
        chosen = np.flatnonzero(np.isin(groups[pictures.patients], mixed))
        rank = _rank(first[pictures.patients[chosen]], table["image_id"].to_numpy()[chosen])
        left_out[chosen] = images_to_leave_out(pictures.part(chosen), splits[chosen], rank)
    joined = np.bincount(groups)
    return ImageSplits(splits, left_out, int(joined[joined > 1].sum()))


def hash_bits(hashes: pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Hashes in hex as uint8 (images, 32), and which images have one."""
    has_hash = pc.is_valid(hashes).to_numpy()
    packed = np.zeros((len(hashes), 32), np.uint8)
    told = "".join(hashes.drop_null().to_pylist())
    packed[has_hash] = np.frombuffer(bytes.fromhex(told), np.uint8).reshape(-1, 32)
    return packed, has_hash


def _before(
    names: Sequence[str], assigned: Mapping[str, Assigned], splits: Sequence[str]
) -> tuple[Ints, Ints]:
    """The split each patient has from a version before, or -1, and that version."""
    before, first = np.full(len(names), -1), np.full(len(names), _NEVER)
    for number, name in enumerate(names):
        known = assigned.get(name)
        if known is None:
            continue
        if known.split not in splits:
            raise PermanentError(
                f"Patients are in the split {known.split} since version {known.first}, and stay there: "
                "name it in --split, or begin another set."
            )
        before[number], first[number] = splits.index(known.split), known.first
    return before, first


def _units(groups: Ints, before: Ints, first: Ints, turn: NDArray[np.uint64]) -> tuple[Ints, Ints, list[int]]:
    """What is placed as one: the unit of each patient, the split each unit has already or -1, its order.

    A patient with a split of old stands alone, the others of a group stand together: by the earliest
    of the old ones, if there is one.
    """
    number = len(groups)
    placed = np.full(number, -1)
    for patient in np.lexsort((turn, -first)).tolist():  # the earliest comes last, and stays
        if before[patient] >= 0:
            placed[groups[patient]] = before[patient]
    is_old = before >= 0
    _, units = np.unique(np.where(is_old, number + np.arange(number), groups), return_inverse=True)
    amount = int(units.max()) + 1
    fixed = np.full(amount, -1)
    fixed[units] = np.where(is_old, before, placed[groups])
    order = np.full(amount, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(order, units, turn)
    return units, fixed, order.tolist()


def _counted(units: Ints, values: NDArray[np.float64], amount: int) -> Ints:
    """Images of each unit, and those with each label."""
    counts = np.zeros((amount, 1 + values.shape[1]), np.int64)
    counts[:, 0] = np.bincount(units, minlength=amount)
    for place in range(values.shape[1]):
        counts[:, place + 1] = np.bincount(units[values[:, place] >= 0.5], minlength=amount)
    return counts


def _rank(first: Ints, image_ids: Ints) -> Ints:
    """Images of patients who were there earlier come first, then those that came earlier."""
    rank = np.empty(len(first), np.int64)
    rank[np.lexsort((image_ids, first))] = np.arange(len(first))
    return rank
