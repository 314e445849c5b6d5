"""The options of a training set. They are stored with each version and are the defaults of the next."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from common.errors import PermanentError

SPLITS = ("train", "validation", "test")  # the names that imagefolder knows
RULES = ("last", "majority", "any", "all")
UNCERTAIN = ("keep", "0", "1", "missing")
DEFAULT_SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}
TEST = "test"
SPLIT_BY = {  # the columns whose values are in one split only, besides patient_id
    "patient": (),
    "manufacturer": ("manufacturer",),
    "device": ("manufacturer", "device_model"),
}
MAX_FOLDS = 100
ALL_LABELS = ("",)  # no label has this name
# Options that earlier versions did not have. At these values they are not stored, so the files of a set that
# does not use them are as they would have been then.
_LATER: dict[str, Any] = {
    "about": {},
    "split_by": "patient",
    "fixed_test": None,
    "folds": 0,
    "label_sets": {},
}


@dataclass(frozen=True)
class Options:
    """The options of a version."""

    where: str = ""  # the selection as the user wrote it
    labels: tuple[str, ...] | None = None  # names; None for all labels of the selected images
    rule: str = "last"  # combines the labels of several annotators into one
    uncertain: str = "keep"  # replaces -1
    splits: Mapping[str, float] = field(default_factory=DEFAULT_SPLITS.copy)  # shares that add up to 1
    seed: int = 0  # decides between otherwise equal new patients
    about: Mapping[str, str] = field(default_factory=dict)  # what a person stated; see statement.py
    split_by: str = "patient"  # what is in one split only: SPLIT_BY
    fixed_test: int | None = None  # the version whose test split all later versions have
    folds: int = 0  # of the images that are not in the test split; 0 for no folds
    label_sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # labels by name of the set

    def changed(self, **changes: Any) -> "Options":
        """Return these options with changes; a change of None keeps the option, ALL_LABELS means no list."""
        given = {name: value for name, value in changes.items() if value is not None}
        if given.get("labels") == ALL_LABELS:
            given["labels"] = None
        return replace(self, **given)

    def to_json(self) -> dict[str, Any]:
        """Return the options as they are stored with a version, later ones only if they were given."""
        stored = asdict(self) | {
            "splits": dict(self.splits),
            "about": dict(self.about),
            "label_sets": {name: list(labels) for name, labels in self.label_sets.items()},
        }
        unused = {name for name, default in _LATER.items() if stored[name] == default}
        return {name: value for name, value in stored.items() if name not in unused}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Options":
        """Return the options that were stored with a version."""
        labels = stored["labels"]
        sets = {name: tuple(names) for name, names in sorted(stored.get("label_sets", {}).items())}
        return cls(**{**stored, "labels": None if labels is None else tuple(labels), "label_sets": sets})


def parse_splits(text: str) -> dict[str, float]:
    """Parse `train=0.8,validation=0.1,test=0.1` into shares by name, in that order.

    Raises PermanentError unless imagefolder knows the names and the shares add up to 1.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = (word.strip() for word in part.partition("="))
        if name not in SPLITS or name in shares:
            raise PermanentError(f"A split must be train, validation or test, each once, not {name!r}.")
        try:
            shares[name] = float(share)
        except ValueError:
            raise PermanentError(f"The share of {name} is not a number: {share!r}.") from None
        if not 0 < shares[name] <= 1:
            raise PermanentError(f"The share of {name} must be over 0 and at most 1, not {share}.")
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise PermanentError(f"The shares add up to {sum(shares.values()):g}, not to 1.")
    return {name: shares[name] for name in SPLITS if name in shares}
