"""Rows of verdicts in memory."""

from dataclasses import dataclass, field

from common.store.object_key import Location
from functions.quality.verdict_rows import ImageState, VerdictRows
from model.judgement import Judgement, Word
from tests.in_memory.database_call import InMemoryCall
from tests.in_memory.image_allocation import InMemoryAllocation


@dataclass
class InMemoryVerdictRows(VerdictRows):
    """Verdicts by image."""

    allocation: InMemoryAllocation
    verdicts: dict[tuple[str, int], Judgement] = field(default_factory=dict)
    holding: dict[tuple[str, int], Word] = field(default_factory=dict)  # the verdicts that hold
    hashes: dict[tuple[str, int], bytes | None] = field(default_factory=dict)
    overruled: dict[tuple[str, int], Word] = field(default_factory=dict)

    def image_state(self, sop_instance_uid: str, frame: int, allocated: Location) -> ImageState | None:
        image = self.allocation.images.get((sop_instance_uid, frame))
        if image is None or image.home != allocated:
            return None
        modality = self.allocation.extractions[sop_instance_uid].modality
        return ImageState(image.bucket, modality, self.overruled.get((sop_instance_uid, frame)))

    def record(
        self,
        sop_instance_uid: str,
        frame: int,
        judgement: Judgement,
        *,
        verdict: Word,
        bucket: str,
        picture_hash: bytes | None,
    ) -> InMemoryCall:
        def write() -> None:
            self.verdicts[sop_instance_uid, frame] = judgement
            self.holding[sop_instance_uid, frame] = verdict
            self.hashes[sop_instance_uid, frame] = picture_hash
            image = self.allocation.images[sop_instance_uid, frame]
            image.bucket = bucket

        return InMemoryCall.of(write)
