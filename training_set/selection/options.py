"""What a training set is asked for; kept with every version, and taken over by the next."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from common.errors import PermanentError

SPLITS = ("train", "validation", "test")  # the names that imagefolder knows
RULES = ("last", "majority", "any", "all")
UNCERTAIN = ("keep", "0", "1", "missing")
DEFAULT_SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True)
class Options:
    """The settings of a version."""

    where: str = ""  # the selection as asked for
    labels: tuple[str, ...] | None = None  # names; None for all that the selected images have
    rule: str = "last"  # how one label comes of what several annotators said
    uncertain: str = "keep"  # what becomes of -1
    splits: Mapping[str, float] = field(default_factory=DEFAULT_SPLITS.copy)  # shares; they add up to 1
    seed: int = 0  # another one, another split of the patients that are new

    def changed(self, **asked: Any) -> "Options":
        """These options with what was asked for in their place; None is not asked."""
        return replace(self, **{name: value for name, value in asked.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """As it is kept with a version."""
        return asdict(self) | {"splits": dict(self.splits)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Options":
        """As it was kept with a version."""
        labels = told["labels"]
        return cls(**{**told, "labels": None if labels is None else tuple(labels)})


def parse_splits(text: str) -> dict[str, float]:
    """`train=0.8,validation=0.1,test=0.1` as shares by name, in that order.

    Raises PermanentError unless names are those that imagefolder knows and shares add up to 1.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = (word.strip() for word in part.partition("="))
        if name not in SPLITS or name in shares:
            raise PermanentError(f"A split is train, validation or test, each once, not {name!r}.")
        try:
            shares[name] = float(share)
        except ValueError:
            raise PermanentError(f"The share of {name} is no number: {share!r}.") from None
        if not 0 < shares[name] <= 1:
            raise PermanentError(f"The share of {name} is over 0 and at most 1, not {share}.")
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise PermanentError(f"The shares add up to {sum(shares.values()):g}, not to 1.")
    return {name: shares[name] for name in SPLITS if name in shares}
