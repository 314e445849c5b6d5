"""What is compared: objects that rows expect, and differences between both."""

from dataclasses import dataclass
from datetime import datetime

from common.store.object_key import ANNOTATIONS, QUARANTINE, RAW

NAMING_BUCKETS = (RAW, QUARANTINE, ANNOTATIONS)  # their keys may name patients or annotators
MISSING, SURPLUS, CHANGED, DAMAGED, HIDDEN, ROW = "missing", "surplus", "changed", "damaged", "hidden", "row"


@dataclass(frozen=True)
class ExpectedObject:
    """An object that must or may lie in a bucket, by one row."""

    key: str
    what: str  # image, deidentified, original, metadata, label_file, training_set
    etag: str | None  # None: not recorded
    size: int | None
    sha256: str | None
    item_id: int | None
    sop_instance_uid: str | None
    frame: int | None
    is_required: bool  # False: its work is not done, so it may be there or not
    is_moved: bool  # copied from where it was first; a copy may have another etag


@dataclass(frozen=True)
class Difference:
    """A difference between the ledger, the tables and the object store."""

    kind: str
    what: str
    bucket: str  # of a row: the table in whose order it was found
    key: str
    sop_instance_uid: str | None = None
    frame: int | None = None
    item_id: int | None = None
    file_id: int | None = None
    detail: str | None = None
    is_deep: bool = False  # whether only reading the object shows it

    @property
    def where(self) -> str:
        """The item, file or pseudonymous key, to show; a key of raw may name a patient."""
        if self.kind == ROW:
            frame = "" if self.frame is None else f"/{self.frame}"
            return (
                f"file-{self.file_id}"
                if self.file_id
                else f"{self.sop_instance_uid}{frame}"
                if self.sop_instance_uid
                else f"item {self.item_id}"
            )
        if self.bucket.startswith(NAMING_BUCKETS):
            return f"of item {self.item_id} in {self.bucket}" if self.item_id else f"in {self.bucket}"
        return f"{self.bucket}/{self.key}"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """By which the same difference is recognised."""
        return self.kind, self.what, self.bucket, self.key


@dataclass(frozen=True)
class Finding:
    """A difference as it is stored: seen once, or confirmed by a second look."""

    id: int
    difference: Difference
    first_seen_at: datetime
    is_confirmed: bool


def difference_of(kind: str, bucket: str, expected: ExpectedObject, detail: str | None = None) -> Difference:
    """The difference of an object that a row expects."""
    return Difference(
        kind,
        expected.what,
        bucket,
        expected.key,
        sop_instance_uid=expected.sop_instance_uid,
        frame=expected.frame,
        item_id=expected.item_id,
        detail=detail,
    )
