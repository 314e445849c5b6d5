"""The allocation of images to buckets in memory."""

from dataclasses import dataclass, field
from itertools import count
from threading import RLock

from common.errors import ConflictError, ErasedError
from common.store.object_key import ImagePath, Location
from common.store.object_store import ObjectStore
from functions.extract.image_allocation import NEW_IMAGE, Allocation, Places
from tests.in_memory.database_call import InMemoryCall


@dataclass
class Extraction:
    """One SOP instance that was taken on."""

    item_id: int
    content_digest: str
    modality: str | None = None
    is_localizer: bool = False
    is_completed: bool = False


@dataclass
class AllocatedImage:
    """One image: where it was placed, and the bucket it lies in now."""

    home: Location
    bucket: str


@dataclass
class InMemoryAllocation(Allocation):
    """Places in buckets named by a counter; one allocation at a time."""

    store: ObjectStore
    prefix: str = "images-"
    capacity: int = 400
    extractions: dict[str, Extraction] = field(default_factory=dict)
    images: dict[tuple[str, int], AllocatedImage] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)  # patients, by pseudonym
    filled: dict[str, int] = field(default_factory=dict)  # images by bucket, the newest bucket last
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _lock: RLock = field(default_factory=RLock)

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
        uid = path.sop_instance_uid
        with self._lock:
            if self.is_erased(path.patient):
                raise ErasedError
            known = self.extractions.get(uid)
            if known is None:
                for frame in range(1, number_of_frames + 1):
                    home = Location(self._bucket_with_room(), path.frame(frame))
                    self.filled[home.bucket] += 1
                    self.images[uid, frame] = AllocatedImage(home, home.bucket)
                known = self.extractions[uid] = Extraction(item_id, content_digest, modality, is_localizer)
            if known.content_digest != content_digest:
                raise ConflictError(
                    "Another file with the same SOP Instance UID and other content was extracted before.",
                    "Find out which of the two is right; nothing was overwritten.",
                )
            places = tuple(image.home for (owner, _), image in sorted(self.images.items()) if owner == uid)
            return Places(places, known.item_id != item_id, known.is_completed)

    def is_erased(self, patient_id: str | None) -> bool:
        return patient_id in self.erased

    def complete(self, sop_instance_uid: str) -> InMemoryCall:
        def write() -> None:
            if sop_instance_uid in self.extractions:
                self.extractions[sop_instance_uid].is_completed = True

        return InMemoryCall.of(write)

    def _bucket_with_room(self) -> str:
        newest = next(reversed(self.filled), None)
        if newest is not None and self.filled[newest] < self.capacity:
            return newest
        bucket = f"{self.prefix}20240305-101500-{next(self._numbers):06}"
        self.store.ensure_bucket(bucket, [NEW_IMAGE])
        self.filled[bucket] = 0
        return bucket
