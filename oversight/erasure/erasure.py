"""What was found of a patient and erased, and what is left."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_TIMES = ("until", "taken_at")


@dataclass
class Erasure:
    """What was found of a patient and erased; it has the pseudonym, and no UID."""

    patient: str
    objects: Counter[str] = field(default_factory=Counter)  # deleted, by bucket
    rows: Counter[str] = field(default_factory=Counter)  # by table; rows of originals only lose their names
    label_files: int = 0  # in which lines or tasks about the patient were emptied
    files_of_unknown_patients: int = 0  # set aside or unfinished, with a header that could not be read
    frozen_exports: list[str] = field(default_factory=list)  # that hold the patient; they are not changed
    locked: list[dict[str, Any]] = field(default_factory=list)  # Retained: versions that could not be deleted
    copied_elsewhere: list[str] = field(
        default_factory=list
    )  # buckets that rules copy or move to another store
    backups: list[dict[str, Any]] = field(default_factory=list)  # taken before; they are not changed
    other_spaces: list[str] = field(
        default_factory=list
    )  # pseudonym spaces in which another name may be known

    @property
    def is_complete(self) -> bool:
        """Whether nothing of the patient is left in the object store."""
        return not self.locked and not self.copied_elsewhere

    def stored(self) -> dict[str, Any]:
        """The same for a column of JSON, without the pseudonym."""
        values = {name: value for name, value in vars(self).items() if name != "patient"}
        for name in ("locked", "backups"):
            values[name] = [
                {key: each.isoformat() if isinstance(each, datetime) else each for key, each in row.items()}
                for row in values[name]
            ]
        return values

    @classmethod
    def of(cls, patient: str, stored: Mapping[str, Any] | None) -> "Erasure":
        """What `stored` has written; nothing was found yet if that is None."""
        values = dict(stored or {})
        for name in ("objects", "rows"):
            values[name] = Counter(values.get(name, {}))
        for name in ("locked", "backups"):
            values[name] = [_with_times(row) for row in values.get(name, [])]
        return cls(patient, **values)


def _with_times(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and value is not None else value
        for name, value in row.items()
    }
