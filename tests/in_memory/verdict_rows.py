"""Rows of verdicts in memory."""

from dataclasses import dataclass, field

from common.object_key import Location
from functions.quality.verdict_rows import Verdict, VerdictRows
from tests.in_memory.image_allocation import InMemoryAllocation


@dataclass
class InMemoryVerdictRows(VerdictRows):
    """Verdicts by image."""

    allocation: InMemoryAllocation
    verdicts: dict[tuple[str, int], Verdict] = field(default_factory=dict)

    def bucket_now(self, sop_instance_uid: str, frame: int, home: Location) -> str | None:
        image = self.allocation.images.get((sop_instance_uid, frame))
        return image.bucket if image is not None and image.home == home else None

    def record(self, sop_instance_uid: str, frame: int, verdict: Verdict, *, bucket: str) -> None:
        self.verdicts[sop_instance_uid, frame] = verdict
        self.allocation.images[sop_instance_uid, frame].bucket = bucket
