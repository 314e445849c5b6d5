"""Allocates the images of an instance to buckets: once, in Postgres, and never over a bucket's limit."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from common import PIPELINE_VERSION
from common.database import Database, queries
from common.errors import ConflictError, ErasedError, PipelineError, Subject
from common.ledger.ledger import DatabaseCall
from common.settings import Settings
from common.store.object_key import ImagePath, Location
from common.store.object_store import Notification, ObjectStore, ObjectVersion
from deidentification.pseudonym_space import Space, check_key
from imaging.options import RECIPE_VERSION

_SQL = queries(Path(__file__).with_suffix(".sql"))
_VERSIONS = {"recipe_version": RECIPE_VERSION, "pipeline_version": PIPELINE_VERSION}
_CONFLICTS = {
    "instance": "Another file with the same SOP Instance UID and other content was extracted before.",
    "study": "The study is known under another patient.",
    "series": "The series is known under another study.",
}
NEW_IMAGE = Notification("quality", suffix=".png")


@dataclass(frozen=True)
class AllocationRequest:
    """An instance whose images need locations."""

    path: ImagePath
    item_id: int  # the ledger item of the raw object
    content_digest: str  # keyed digest of the original's attributes and pixels, hex
    number_of_frames: int
    modality: str | None = None
    is_localizer: bool = False
    former_patients: tuple[str, ...] = ()  # the patient's pseudonyms of earlier keys


@dataclass(frozen=True)
class AllocatedImages:
    """The locations of an instance's images."""

    locations: tuple[Location, ...]  # one for each frame, in order
    is_duplicate: bool  # whether another raw object with this instance came first
    is_completed: bool  # whether all outputs of the instance were written before


class WithdrawnError(PipelineError):
    """A person decided that another file stands for this one."""

    def __init__(self) -> None:
        super().__init__("A person decided that another file stands; dcm2set trace shows the decision.")


def conflict_error(kind: str, item_id: int) -> ConflictError:
    """The error for a file that contradicts an instance, study or series."""
    return ConflictError(
        _CONFLICTS[kind],
        f"Compare the files with: dcm2set trace item-{item_id} Then say which stands: "
        f"dcm2set resolve --item {item_id} --keep this|other --why TEXT",
    )


class Allocation(Protocol):
    """The instances that were extracted, and the locations of their images."""

    def allocate(self, request: AllocationRequest) -> AllocatedImages:
        """The locations of an instance's images: the same ones whenever the instance comes again.

        Raises ConflictError if the instance is known with other content, or its study or series with
        another parent; WithdrawnError if a person decided for another file; ErasedError if its patient was
        erased under any pseudonym; SettingsError if the database was made with another pseudonym key.
        """

    def is_erased(self, subject: Subject) -> bool:
        """Whether a patient was erased on request, under any pseudonym.

        Raises SettingsError if the database was made with another pseudonym key.
        """

    def spaces(self) -> list[Space]:
        """The pseudonym spaces of the database, the current one last."""

    def complete(self, sop_instance_uid: str, deidentified: ObjectVersion | None = None) -> DatabaseCall:
        """The call that records that all outputs of an instance are written.

        `deidentified` is the de-identified file as it was written; None if an earlier item wrote it.
        """


class PostgresAllocation(Allocation):
    """The allocation in Postgres; creates new buckets in the object store."""

    def __init__(self, database: Database, *, store: ObjectStore, settings: Settings, key_check: str) -> None:
        self._database = database
        self._key_check = key_check
        self._store = store
        self._prefix = settings.images_prefix
        self._capacity = settings.images_per_bucket

    def allocate(self, request: AllocationRequest) -> AllocatedImages:
        values = {
            "sop_instance_uid": request.path.sop_instance_uid,
            "patient": request.path.patient,
            "instance": request.path.instance,
            "item_id": request.item_id,
            "content_digest": request.content_digest,
            "number_of_frames": request.number_of_frames,
            "modality": request.modality,
            "is_localizer": request.is_localizer,
            "prefix": self._prefix,
            "former_patients": list(request.former_patients),
            "key_check": self._key_check,
            **_VERSIONS,
        }
        while True:
            row = self._database.one(_SQL["allocate"], **values)
            if row is None or row["key_check"] != self._key_check:
                check_key(self.spaces(), self._key_check)
                continue  # the key was entered meanwhile
            if row["is_erased"]:
                raise ErasedError
            if row["is_withdrawn"]:
                raise WithdrawnError
            if row["conflict"]:
                raise conflict_error(row["conflict"], request.item_id)
            locations = tuple(map(Location, row["buckets"], row["keys"]))
            if len(locations) >= request.number_of_frames:
                is_duplicate = row["first_item"] != request.item_id
                return AllocatedImages(locations, is_duplicate, row["is_completed"])
            self._add_bucket(values)

    def is_erased(self, subject: Subject) -> bool:
        patients = [patient for patient in (subject.patient_id, *subject.former_patients) if patient]
        row = self._database.one(_SQL["find_erased"], patients=patients)
        if row is None or row["key_check"] != self._key_check:
            check_key(self.spaces(), self._key_check)
        return bool(row and row["is_erased"])

    def spaces(self) -> list[Space]:
        return [Space(**row) for row in self._database.all(_SQL["spaces"])]

    def complete(self, sop_instance_uid: str, deidentified: ObjectVersion | None = None) -> DatabaseCall:
        written = {
            "deidentified_key": deidentified.location.key if deidentified else None,
            "deidentified_etag": deidentified.etag if deidentified else None,
            "deidentified_size": deidentified.size if deidentified else None,
        }
        return DatabaseCall(_SQL["complete"], {"uid": sop_instance_uid, **_VERSIONS, **written})

    def _add_bucket(self, request: dict[str, object]) -> None:
        """Create a bucket, unless another worker created one in the meantime, and allocate in it.

        Both under one lock: otherwise an instance of many frames that waits for it takes all places, again
        and again, and an instance of one frame gets none.
        """
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["lock_allocation"])
            if cursor.execute(_SQL["open_bucket"], {"prefix": self._prefix}).fetchone() is None:
                bucket = f"{self._prefix}{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
                # The bucket and its notification must exist before its first image is written.
                self._store.ensure_bucket(bucket, [NEW_IMAGE])
                cursor.execute(_SQL["new_bucket"], {"bucket": bucket, "capacity": self._capacity})
            cursor.execute(_SQL["allocate"], request)
