"""Assign patients to folds of cross-validation: together, stratified and stable as splits are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import PermanentError
from training_set.splits.patient_groups import Ints
from training_set.splits.patient_splits import (
    Bools,
    ImageSplits,
    check_together,
    counted,
    left_out_images,
    units_of,
)
from training_set.splits.stratified_split import keyed_order, place_groups

NO_FOLD = 0  # of the test split


@dataclass(frozen=True)
class FoldRules:
    """What decides the folds."""

    folds: int
    is_test: Bools  # (images,): in fold 0, because no fold trains on them
    assigned: Mapping[str, int]  # folds of patients from earlier versions with as many folds
    key: str  # decides between otherwise equal patients
    together: Ints | None = None  # (images,): equal numbers are in one fold


def fold_images(
    found: ImageSplits, values: NDArray[np.float64], image_ids: Ints, rules: FoldRules
) -> tuple[Ints, Bools]:
    """Return the fold of each image, from 1, and which images repeat a picture of another fold.

    `values` are label values, float (images, labels); a label counts as present from 0.5 on.
    Raises PermanentError if there are fewer groups of patients than folds, or images that must be together
    would be in two folds.
    """
    grouping = found.grouping
    patients = grouping.pictures.patients
    is_free = ~rules.is_test & ~found.outside & ~found.left_out
    members, of_member = np.unique(patients[is_free], return_inverse=True)
    names = [grouping.names[patient] for patient in members.tolist()]
    distinct, groups = np.unique(grouping.groups[members], return_inverse=True)
    _refuse_few(len(distinct), rules.folds)
    before = np.array([rules.assigned.get(name, 0) - 1 for name in names])
    first = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(first, of_member, found.first[is_free])
    units, fixed, order = units_of(groups, before, first, np.array(keyed_order(rules.key, names), np.uint64))
    counts = counted(units[of_member], values[is_free], len(fixed))
    numbers = np.full(len(patients), NO_FOLD)
    numbers[is_free] = (
        place_groups(counts, fixed, order, [1 / rules.folds] * rules.folds)[units][of_member] + 1
    )
    left_out = left_out_images(grouping, numbers, ~is_free, (found.first, image_ids))
    if rules.together is not None:
        check_together(rules.together, numbers, ~is_free | left_out, "folds")
    return numbers, left_out


def _refuse_few(groups: int, folds: int) -> None:
    if groups < folds:
        raise PermanentError(
            f"{folds} folds need as many groups of patients outside the test split; there are {groups}. "
            "Patients who share a picture, or a device with --split-by, are one group."
        )
