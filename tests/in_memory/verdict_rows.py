"""Rows of verdicts in memory."""

from dataclasses import dataclass, field

from common.store.object_key import Location
from functions.quality.verdict_rows import ImageRow, ImageVerdict, VerdictRows
from model.limits import Limits
from model.verdict import Judgement, Verdict
from tests.in_memory.database_call import InMemoryCall
from tests.in_memory.image_allocation import InMemoryAllocation


@dataclass
class InMemoryVerdictRows(VerdictRows):
    """Verdicts by image."""

    allocation: InMemoryAllocation
    verdicts: dict[tuple[str, int], Judgement] = field(default_factory=dict)
    holding: dict[tuple[str, int], Verdict] = field(default_factory=dict)  # the verdicts that hold
    hashes: dict[tuple[str, int], bytes | None] = field(default_factory=dict)
    overruled: dict[tuple[str, int], Verdict] = field(default_factory=dict)
    site: dict[tuple[str | None, str], Limits] = field(default_factory=dict)  # by modality and model

    def find_image(
        self, sop_instance_uid: str, frame: int, allocated: Location, *, model_version: str
    ) -> ImageRow | None:
        image = self.allocation.images.get((sop_instance_uid, frame))
        if image is None or image.allocated != allocated:
            return None
        modality = self.allocation.extractions[sop_instance_uid].modality
        site = self.site.get((modality, model_version))
        return ImageRow(image.bucket, modality, self.overruled.get((sop_instance_uid, frame)), site)

    def record(self, verdict: ImageVerdict) -> InMemoryCall:
        image = (verdict.sop_instance_uid, verdict.frame)

        def write() -> None:
            self.verdicts[image] = verdict.judgement
            self.holding[image] = verdict.verdict
            self.hashes[image] = verdict.picture_hash
            self.allocation.images[image].bucket = verdict.bucket

        return InMemoryCall.of(write)
