"""Choose every patient's split: stable across versions, no duplicate in two splits, stratified by label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.errors import PermanentError
from training_set.splits.patient_groups import Grouping, Ints, images_to_leave_out
from training_set.splits.stratified_split import keyed_order, place_groups

Bools = NDArray[np.bool_]
_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class AssignedSplit:
    """The split that a patient got in an earlier version."""

    split: str
    first_version: int  # that held the patient


@dataclass(frozen=True)
class Closed:
    """A split that stays as it was in an earlier version."""

    split: str
    is_in: Bools  # (images,): was in the split in that version


@dataclass(frozen=True)
class ImageSplits:
    """The split of each image."""

    splits: Ints  # (images,): index into the list of splits
    left_out: Bools  # (images,): repeats a picture of another split
    outside: Bools  # (images,): of a patient of a closed split, and not among its images
    grouping: Grouping
    first: Ints  # (images,): the first version of the image's patient; lower for images of a closed split

    @property
    def joined_patients(self) -> int:
        """Return the number of patients that are in a group with another patient."""
        sizes = np.bincount(self.grouping.groups)
        return int(sizes[sizes > 1].sum())


@dataclass(frozen=True)
class SplitRules:
    """What decides the splits."""

    assigned: Mapping[str, AssignedSplit]  # of patients from earlier versions
    shares: Mapping[str, float]  # of each split
    key: str  # decides between otherwise equal patients; made of name and seed
    together: Ints | None = None  # (images,): equal numbers, such as those of a device, are in one split
    closed: Closed | None = None  # gets no patient and no image more


def split_images(table: pa.Table, values: NDArray[np.float64], rules: SplitRules) -> ImageSplits:
    """Choose the split of every image.

    Parameters
    ----------
    table : Table
        With the columns patient_id, sha256, picture_hash and image_id.
    values : float array of shape (images, labels)
        A label counts as present from 0.5 on.
    rules : SplitRules

    Raises
    ------
    PermanentError
        If an assigned split is not among the shares, or images that must be together would be in two splits.
    """
    grouping, names = Grouping.of(table, rules.together), list(rules.shares)
    assigned, first = _assigned(grouping.names, rules.assigned, names)
    turn = np.array(keyed_order(rules.key, grouping.names), np.uint64)
    shut = names.index(rules.closed.split) if rules.closed and rules.closed.split in names else -1
    # Patients who only share a picture with the closed split go elsewhere, and that picture is left out.
    avoided = shut if rules.together is None else -1
    units, fixed, order = units_of(grouping.groups, assigned, first, turn, not_followed=avoided)
    if rules.together is not None:
        _refuse_one_group(grouping, names)
    patients = grouping.pictures.patients
    counts = counted(units[patients], values, len(fixed))
    splits = _placed(counts, fixed, order, list(rules.shares.values()), shut)[units][patients]
    return _image_splits(
        grouping, splits, splits == shut, (first[patients], table["image_id"].to_numpy()), rules
    )


def _image_splits(
    grouping: Grouping, splits: Ints, is_shut: Bools, order: tuple[Ints, Ints], rules: SplitRules
) -> ImageSplits:
    """Find the images that are left out; `order` as in left_out_images."""
    is_in = np.zeros(len(splits), bool) if rules.closed is None else rules.closed.is_in
    outside = is_shut & ~is_in
    first = np.where(is_in, -1, order[0])
    left_out = left_out_images(grouping, splits, outside, (first, order[1]))
    if rules.together is not None:
        check_together(rules.together, splits, outside | left_out, "splits")
    return ImageSplits(splits, left_out, outside, grouping, first)


def _placed(counts: Ints, fixed: Ints, order: Sequence[int], shares: Sequence[float], shut: int) -> Ints:
    """Place the units; none that isn't there is placed in the split `shut`, or -1 if all are open."""
    if shut < 0 or not (fixed != shut).any():
        return place_groups(counts, fixed, order, shares)
    numbers = np.array([number for number in range(len(shares)) if number != shut])
    if not len(numbers):
        raise PermanentError("Every split is fixed: new patients need another split in --split.")
    index = np.full(len(shares) + 1, -1)  # the last entry is that of -1, no split
    index[numbers] = np.arange(len(numbers))
    chosen = np.flatnonzero(fixed != shut)
    open_shares = np.array(shares)[numbers]
    placed = fixed.copy()
    placed[chosen] = numbers[
        place_groups(
            counts[chosen],
            index[fixed[chosen]],
            [order[each] for each in chosen.tolist()],
            (open_shares / open_shares.sum()).tolist(),
        )
    ]
    return placed


def left_out_images(grouping: Grouping, parts: Ints, ignored: Bools, order: tuple[Ints, Ints]) -> Bools:
    """Return which images repeat a picture of another part. Only groups in several parts are searched.

    `order` holds the first version of each image's patient, and the image's id; the later image is left out.
    Images that are ignored are neither left out nor compared.
    """
    left_out, pairs = np.zeros(len(parts), bool), grouping.pairs
    crossing = pairs[parts[pairs[:, 0]] != parts[pairs[:, 1]]]
    if len(crossing):
        groups = grouping.groups[grouping.pictures.patients]
        chosen = np.flatnonzero(np.isin(groups, groups[crossing[:, 0]]) & ~ignored)
        rank = _rank(*(each[chosen] for each in order))
        left_out[chosen] = images_to_leave_out(grouping.pictures.part(chosen), parts[chosen], rank)
    return left_out


def _refuse_one_group(grouping: Grouping, splits: Sequence[str]) -> None:
    if len(splits) > 1 and len(np.unique(grouping.groups)) == 1:
        raise PermanentError(
            "All patients are in one group, because they share devices or pictures: they can't be divided by "
            "device or manufacturer. Divide them by patient, or select fewer devices."
        )


def check_together(together: Ints, splits: Ints, gone: Bools, words: str) -> None:
    """Raise PermanentError if images with the same number are in several splits or folds."""
    pairs = np.unique(np.stack([together[~gone], splits[~gone]], axis=1), axis=0)
    divided = int((np.bincount(pairs[:, 0]) > 1).sum()) if len(pairs) else 0
    if divided:
        raise PermanentError(
            f"{divided} device(s) or manufacturer(s) would have images in several {words}, because their "
            f"patients have been in these {words} since earlier versions: start another training set."
        )


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


def units_of(
    groups: Ints, assigned: Ints, first: Ints, turn: NDArray[np.uint64], *, not_followed: int = -1
) -> tuple[Ints, Ints, list[int]]:
    """Return the unit of each patient, and the fixed split (or -1) and the order number of each unit.

    All patients of a unit get the same split. A patient with an assigned split is a unit of its own. The
    other patients of a group form one unit, which follows the group's earliest assigned patient who is not
    in the split `not_followed`.
    """
    number = len(groups)
    placed = np.full(number, -1)
    for patient in np.lexsort((turn, -first)).tolist():  # the earliest comes last and so wins
        if assigned[patient] >= 0 and assigned[patient] != not_followed:
            placed[groups[patient]] = assigned[patient]
    is_old = assigned >= 0
    _, units = np.unique(np.where(is_old, number + np.arange(number), groups), return_inverse=True)
    amount = int(units.max()) + 1
    fixed = np.full(amount, -1)
    fixed[units] = np.where(is_old, assigned, placed[groups])
    order = np.full(amount, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(order, units, turn)
    return units, fixed, order.tolist()


def counted(units: Ints, values: NDArray[np.float64], amount: int) -> Ints:
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
