"""Where each image of an instance lies: decided once, in Postgres, never over a bucket's limit."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from psycopg import Cursor

from common import PIPELINE_VERSION
from common.database import Database, Row, queries
from common.dicom.picture import RECIPE_VERSION
from common.errors import ConflictError, ErasedError
from common.object_key import ImagePath, Location
from common.object_store import Notification, ObjectStore
from common.settings import Settings

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

    def complete(self, sop_instance_uid: str) -> None:
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
        instance = {"sop_instance_uid": path.sop_instance_uid, "patient": path.patient}
        with self._database.transaction() as cursor:
            cursor.execute(
                _SQL["register"],
                instance
                | {
                    "item_id": item_id,
                    "content_digest": content_digest,
                    "number_of_frames": number_of_frames,
                    "modality": modality,
                    "is_localizer": is_localizer,
                }
                | _VERSIONS,
            )
            registered = cursor.execute(_SQL["registered"], instance).fetchone()
            if registered is not None and registered["erased"]:
                raise ErasedError  # which takes the registration back
            if registered is None or registered["content_digest"] != content_digest:
                raise ConflictError(
                    "Another file with the same SOP Instance UID and other content was extracted before.",
                    "Find out which of the two is right; nothing was overwritten.",
                )
            rows = cursor.execute(_SQL["allocated"], instance).fetchall()
            if not rows:
                self._fill(cursor, path, number_of_frames)
                rows = cursor.execute(_SQL["allocated"], instance).fetchall()
            images = tuple(Location(row["home_bucket"], row["key"]) for row in rows)
            return Places(images, registered["item_id"] != item_id, registered["completed"])

    def is_erased(self, patient_id: str | None) -> bool:
        return self._database.one(_SQL["erased"], patient=patient_id) is not None

    def complete(self, sop_instance_uid: str) -> None:
        self._database.run(_SQL["complete"], sop_instance_uid=sop_instance_uid, **_VERSIONS)

    def _fill(self, cursor: Cursor[Row], path: ImagePath, number_of_frames: int) -> None:
        """Fill the open bucket, then new ones, until every frame has its place."""
        cursor.execute(_SQL["lock_allocation"])
        first = 1
        while first <= number_of_frames:
            bucket, free = self._open_bucket(cursor)
            last = min(first + free - 1, number_of_frames)
            cursor.execute(_SQL["fill_bucket"], {"bucket": bucket, "number": last - first + 1})
            cursor.execute(
                _SQL["allocate"],
                {
                    "sop_instance_uid": path.sop_instance_uid,
                    "instance": path.instance,
                    "bucket": bucket,
                    "first": first,
                    "last": last,
                },
            )
            first = last + 1

    def _open_bucket(self, cursor: Cursor[Row]) -> tuple[str, int]:
        prefix = {"prefix": self._prefix}
        row = cursor.execute(_SQL["open_bucket"], prefix).fetchone()
        while row is None:
            bucket = f"{self._prefix}{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
            # The bucket and its notification are there before the first image goes in.
            self._store.ensure_bucket(bucket, [NEW_IMAGE])
            cursor.execute(_SQL["new_bucket"], {"bucket": bucket, "capacity": self._capacity})
            row = cursor.execute(_SQL["open_bucket"], prefix).fetchone()
        return row["bucket"], row["free"]


_VERSIONS = {"recipe_version": RECIPE_VERSION, "pipeline_version": PIPELINE_VERSION}
