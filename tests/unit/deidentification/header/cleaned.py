"""Cleaning a data set with default rules, for the tests of this folder."""

from pydicom.dataset import Dataset

import imaging  # noqa: F401 silences pydicom's warnings as in production
from deidentification.header.clean_dataset import CleanDataset
from deidentification.header.value_rules import ValueRules
from deidentification.identity import identity_of
from deidentification.profile import Profile
from tests.support.factories import PSEUDONYMS, make_dataset


def cleaned(ds: Dataset | None = None, profile: Profile | None = None, **elements: object) -> Dataset:
    """The cleaned data set, without the attributes that are left empty.

    Without `ds` it is CT_small with other values of some elements.
    """
    original = make_dataset(**elements) if ds is None else ds
    kept = make_cleaner(original, profile or Profile()).clean(original)
    for element in list(kept):
        if element.is_empty and element.VR != "SQ":
            del kept[element.tag]
    return kept


def make_cleaner(ds: Dataset, profile: Profile) -> CleanDataset:
    """A cleaner for a data set of patient P1; it retains times of PT and NM, as extract does."""
    retain_times = ds.get("Modality") in {"PT", "NM"}
    rules = ValueRules(PSEUDONYMS, patient="P1", identity=identity_of(ds), retain_times=retain_times)
    return CleanDataset(profile, rules, is_enhanced=False)
