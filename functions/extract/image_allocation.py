"""Where each image of an instance lies: decided once, in Postgres, never over a bucket's limit."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from common import PIPELINE_VERSION
from common.database import Database, queries
from common.errors import ConflictError, ErasedError
from common.ledger.ledger import DatabaseCall
from common.settings import Settings
from common.store.object_key import ImagePath, Location
from common.store.object_store import Notification, ObjectStore
from imaging.rendering.picture_recipe import RECIPE_VERSION

_SQL = queries(Path(__file__).with_suffix(".sql"))
NEW_IMAGE = Notification("quality", suffix=".png")


@dataclass(frozen=True)
class Places:
    """Where an instance's images belong."""

    images: tuple[Location, ...]  # one a frame, in order
    is_duplicate: bool  # another raw object brought this instance first
    is_completed: bool  # all of its outputs were written before


class Allocation(Protocol):
    """The instances that extract has taken on, and the places of their images."""

    def allocate(
        self,
        path: ImagePath,
        *,
        item_id: int,
        content_digest: str,
        number_of_frames: int,
        modality: str | None = None,
        is_localizer: bool = False,
    ) -> Places:
        """Places for an instance's frames; the same ones whenever it comes again.

        `item_id` is the ledger's number of the raw object that brings it. Raises ConflictError
        if the instance is known with other content, ErasedError if its patient was erased.
        """

    def is_erased(self, patient_id: str | None) -> bool:
        """Whether a patient, by pseudonym, was erased on request."""

    def complete(self, sop_instance_uid: str) -> DatabaseCall:
        """All outputs of the instance are written."""


class PostgresAllocation(Allocation):
    """The allocation in Postgres; new buckets in the object store."""

    def __init__(self, database: Database, *, store: ObjectStore, settings: Settings) -> None:
        self._database = database
        self._store = store
        self._prefix = settings.images_prefix
        self._capacity = settings.images_per_bucket

    def allocate(
        self,
        path: ImagePath,
        *,
        item_id: int,
        content_digest: str,
        number_of_frames: int,
        modality: str | None = None,
        is_localizer: bool = False,
    ) -> Places:
        wanted = {
            "sop_instance_uid": path.sop_instance_uid,
            "patient": path.patient,
            "instance": path.instance,
            "item_id": item_id,
            "content_digest": content_digest,
            "number_of_frames": number_of_frames,
            "modality": modality,
            "is_localizer": is_localizer,
            "prefix": self._prefix,
            **_VERSIONS,
        }
        while True:
            placed = self._database.one(_SQL["place"], **wanted)
            if placed is None or placed["is_erased"]:
                raise ErasedError
            if placed["digest"] != content_digest:
                raise ConflictError(
                    "Another file with the same SOP Instance UID and other content was extracted before.",
                    "Find out which of the two is right; nothing was overwritten.",
                )
            images = tuple(map(Location, placed["buckets"], placed["keys"]))
            if len(images) >= number_of_frames:
                return Places(images, placed["first_item"] != item_id, placed["is_completed"])
            self._roll_over()

    def is_erased(self, patient_id: str | None) -> bool:
        return self._database.one(_SQL["erased"], patient=patient_id) is not None

    def complete(self, sop_instance_uid: str) -> DatabaseCall:
        return DatabaseCall(_SQL["complete"], {"uid": sop_instance_uid, **_VERSIONS})

    def _roll_over(self) -> None:
        """A new bucket, unless somebody else made one meanwhile."""
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["lock_allocation"])
            if cursor.execute(_SQL["open_bucket"], {"prefix": self._prefix}).fetchone() is None:
                bucket = f"{self._prefix}{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
                # The bucket and its notification are there before the first image goes in.
                self._store.ensure_bucket(bucket, [NEW_IMAGE])
                cursor.execute(_SQL["new_bucket"], {"bucket": bucket, "capacity": self._capacity})


_VERSIONS = {"recipe_version": RECIPE_VERSION, "pipeline_version": PIPELINE_VERSION}
