"""Rows of labels in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from common.object_store import ObjectVersion
from functions.annotations.label_rows import (
    Ambiguous,
    ImageName,
    LabelRows,
    ResolvedLabel,
    key_suffix,
)
from tests.in_memory.image_allocation import InMemoryAllocation


@dataclass
class InMemoryLabelRows(LabelRows):
    """Labels in the order they came, by import."""

    allocation: InMemoryAllocation
    imports: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)  # by key and etag
    labels: list[ResolvedLabel] = field(default_factory=list)

    def find_images(self, names: Iterable[str]) -> Mapping[str, ImageName | Ambiguous]:
        hits = {name: self._hits(key_suffix(name)) for name in names}
        return {
            name: found[0] if len(found) == 1 else Ambiguous(len(found))
            for name, found in hits.items()
            if found
        }

    def keep(self, source: ObjectVersion, labels: Sequence[ResolvedLabel], counts: Mapping[str, int]) -> None:
        version = (source.location.key, source.etag)
        if version not in self.imports:
            self.imports[version] = dict(counts)
            self.labels.extend(labels)

    def apply_held(self) -> int:
        found = self.find_images({label.row.image for label in self.labels if label.image is None})
        before = self.labels
        self.labels = [
            replace(label, image=image)
            if label.image is None and isinstance(image := found.get(label.row.image), ImageName)
            else label
            for label in before
        ]
        return sum(old != new for old, new in zip(before, self.labels, strict=True))

    def _hits(self, suffix: str) -> list[ImageName]:
        return [
            ImageName(uid, frame)
            for (uid, frame), image in self.allocation.images.items()
            if f"/{image.home.key}".endswith(f"/{suffix}")
            and (image.home.key == suffix or "/" not in suffix or suffix.split("/")[-2] == uid)
        ]
