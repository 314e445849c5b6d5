"""The allocation of images to buckets in memory."""

from dataclasses import dataclass, field
from itertools import count
from threading import RLock

from common.errors import ErasedError, Subject, TransientError
from common.store.object_key import Location
from common.store.object_store import ObjectStore, ObjectVersion
from deidentification.pseudonym_space import Space
from functions.extract.image_allocation import (
    NEW_IMAGE,
    AllocatedImages,
    Allocation,
    AllocationRequest,
    conflict_error,
)
from tests.in_memory.database_call import InMemoryCall


@dataclass
class Extraction:
    """One extracted SOP instance."""

    item_id: int
    content_digest: str
    modality: str | None = None
    is_localizer: bool = False
    is_completed: bool = False
    deidentified: ObjectVersion | None = None


@dataclass
class AllocatedImage:
    """One image: its allocated location, and the bucket it is in now."""

    allocated: Location
    bucket: str


@dataclass
class InMemoryAllocation(Allocation):
    """Locations in buckets named by a counter; one allocation at a time."""

    store: ObjectStore
    prefix: str = "images-"
    capacity: int = 400
    extractions: dict[str, Extraction] = field(default_factory=dict)
    images: dict[tuple[str, int], AllocatedImage] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)  # patients, by pseudonym
    parents: dict[str, str] = field(default_factory=dict)  # patients of studies, studies of series
    known_spaces: list[Space] = field(default_factory=list)  # the current one last
    filled: dict[str, int] = field(default_factory=dict)  # images by bucket, the newest bucket last
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _lock: RLock = field(default_factory=RLock)

    def allocate(self, request: AllocationRequest) -> AllocatedImages:
        uid = request.path.sop_instance_uid
        with self._lock:
            if self.is_erased(Subject(request.path.patient, None, request.former_patients)):
                raise ErasedError
            known = self.extractions.get(uid)
            kind = self._conflict(request)
            if kind is not None:
                raise conflict_error(kind, request.item_id)
            path = request.path
            self.parents[path.study_instance_uid] = path.patient
            self.parents[path.series_instance_uid] = path.study_instance_uid
            if known is None:
                for frame in range(1, request.number_of_frames + 1):
                    location = Location(self._bucket_with_room(), request.path.frame(frame))
                    self.filled[location.bucket] += 1
                    self.images[uid, frame] = AllocatedImage(location, location.bucket)
                known = self.extractions[uid] = Extraction(
                    request.item_id, request.content_digest, request.modality, request.is_localizer
                )
            own = [image for (owner, _), image in sorted(self.images.items()) if owner == uid]
            locations = tuple(image.allocated for image in own)
            return AllocatedImages(locations, known.item_id != request.item_id, known.is_completed)

    def _conflict(self, request: AllocationRequest) -> str | None:
        path, known = request.path, self.extractions.get(request.path.sop_instance_uid)
        if known and known.item_id != request.item_id and known.content_digest != request.content_digest:
            return "instance"
        if self.parents.get(path.study_instance_uid, path.patient) != path.patient:
            return "study"
        is_of_study = self.parents.get(path.series_instance_uid, path.study_instance_uid)
        return None if is_of_study == path.study_instance_uid else "series"

    def is_erased(self, subject: Subject) -> bool:
        return not self.erased.isdisjoint({subject.patient_id, *subject.former_patients})

    def spaces(self) -> list[Space]:
        return self.known_spaces

    def complete(self, sop_instance_uid: str, deidentified: ObjectVersion | None = None) -> InMemoryCall:
        def write() -> None:
            if sop_instance_uid not in self.extractions:
                raise TransientError("The instance was withdrawn meanwhile.")
            self.extractions[sop_instance_uid].is_completed = True
            self.extractions[sop_instance_uid].deidentified = deidentified

        return InMemoryCall.of(write)

    def _bucket_with_room(self) -> str:
        newest = next(reversed(self.filled), None)
        if newest is not None and self.filled[newest] < self.capacity:
            return newest
        bucket = f"{self.prefix}20240305-101500-{next(self._numbers):06}"
        self.store.ensure_bucket(bucket, [NEW_IMAGE])
        self.filled[bucket] = 0
        return bucket
