"""Rows of labels, and the images they mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from common.database import Database, queries
from common.object_store import ObjectVersion
from functions.annotations.label_file import LabelRow

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class ImageName:
    """One image: an SOP instance's frame."""

    sop_instance_uid: str
    frame: int


@dataclass(frozen=True)
class Ambiguous:
    """A name that fits several images."""

    number: int


@dataclass(frozen=True)
class ResolvedLabel:
    """A row and the image it means; None while no such image is known."""

    row: LabelRow
    image: ImageName | None


class LabelRows(Protocol):
    """Where labels are kept."""

    def find_images(self, names: Iterable[str]) -> Mapping[str, ImageName | Ambiguous]:
        """The images that names of a label file mean; unknown ones are left out."""

    def keep(self, source: ObjectVersion, labels: Sequence[ResolvedLabel], counts: Mapping[str, int]) -> None:
        """All labels of a file, as one import; the same file again changes nothing."""

    def apply_held(self) -> int:
        """Give held labels the images that are known by now; returns how many."""


class PostgresLabelRows(LabelRows):
    """The rows in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_images(self, names: Iterable[str]) -> Mapping[str, ImageName | Ambiguous]:
        wanted = list(names)
        rows = self._database.all(
            _SQL["find_images"], names=wanted, keys=[key_suffix(name) for name in wanted]
        )
        return {
            row["name"]: Ambiguous(row["number"])
            if row["number"] > 1
            else ImageName(row["sop_instance_uid"], row["frame"])
            for row in rows
        }

    def keep(self, source: ObjectVersion, labels: Sequence[ResolvedLabel], counts: Mapping[str, int]) -> None:
        with self._database.transaction() as cursor:
            values = {"key": source.location.key, "etag": source.etag, **counts}
            row = cursor.execute(_SQL["new_import"], values).fetchone()
            if row is None:
                return  # a crash came after this and before the ledger knew
            cursor.executemany(
                _SQL["new_label"],
                [
                    {
                        "import_id": row["id"],
                        "line": label.row.line,
                        "image": label.row.image,
                        "label": label.row.label,
                        "value": label.row.value,
                        "sop_instance_uid": label.image.sop_instance_uid if label.image else None,
                        "frame": label.image.frame if label.image else None,
                    }
                    for label in labels
                ],
            )

    def apply_held(self) -> int:
        held = self._database.all(_SQL["held_names"])
        found = self.find_images(row["image"] for row in held)
        known = [(name, image) for name, image in found.items() if isinstance(image, ImageName)]
        return self._database.run(
            _SQL["apply_held"],
            names=[name for name, _ in known],
            uids=[image.sop_instance_uid for _, image in known],
            frames=[image.frame for _, image in known],
        )


def key_suffix(name: str) -> str:
    """The key, or end of a key, that a name in a label file stands for."""
    key = name.strip()
    if key.startswith("s3://"):
        key = key.removeprefix("s3://").partition("/")[2]
    return key.lstrip("/")
