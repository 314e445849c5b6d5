"""Rows of verdicts in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from common.object_key import SUBOPTIMAL, Location
from functions.quality.verdict_rows import Standing, VerdictRows
from model.judgement import Judgement, Word
from tests.in_memory.image_allocation import InMemoryAllocation
from tests.in_memory.record import InMemoryRecord


@dataclass
class InMemoryVerdictRows(VerdictRows):
    """Verdicts by image."""

    allocation: InMemoryAllocation
    verdicts: dict[tuple[str, int], Judgement] = field(default_factory=dict)
    holding: dict[tuple[str, int], Word] = field(default_factory=dict)  # the verdicts that hold
    hashes: dict[tuple[str, int], bytes | None] = field(default_factory=dict)
    overruled: dict[tuple[str, int], Word] = field(default_factory=dict)
    left: set[Location] = field(default_factory=set)  # homes seen empty

    def standing(self, sop_instance_uid: str, frame: int, home: Location) -> Standing | None:
        image = self.allocation.images.get((sop_instance_uid, frame))
        if image is None or image.home != home:
            return None
        modality = self.allocation.extractions[sop_instance_uid].modality
        return Standing(image.bucket, modality, self.overruled.get((sop_instance_uid, frame)))

    def record(
        self,
        sop_instance_uid: str,
        frame: int,
        judgement: Judgement,
        *,
        verdict: Word,
        bucket: str,
        picture_hash: bytes | None,
    ) -> InMemoryRecord:
        def write() -> None:
            self.verdicts[sop_instance_uid, frame] = judgement
            self.holding[sop_instance_uid, frame] = verdict
            self.hashes[sop_instance_uid, frame] = picture_hash
            image = self.allocation.images[sop_instance_uid, frame]
            image.bucket = bucket
            self.left.discard(image.home)

        return InMemoryRecord.of(write)

    def leaving(self, *, limit: int) -> list[Location]:
        images = [image for _, image in sorted(self.allocation.images.items())]
        homes = [image.home for image in images if image.bucket == SUBOPTIMAL]
        return [home for home in homes if home not in self.left][:limit]

    def record_left(self, homes: Sequence[Location]) -> None:
        self.left.update(homes)
