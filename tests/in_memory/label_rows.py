"""Rows of labels in memory."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from common.store.object_store import ObjectVersion
from functions.annotations.formats.image_name import FILE, IMAGE, ImageName
from functions.annotations.formats.label_file import LabelFile
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.refused_row import RefusedRow
from functions.annotations.storage.import_counts import ImportCounts
from functions.annotations.storage.label_rows import LabelImport, LabelRows
from tests.in_memory.image_allocation import InMemoryAllocation

Image = tuple[str, int]  # SOP Instance UID and frame


@dataclass(frozen=True)
class StoredLabel:
    """A row and its image; None while the image is not known."""

    number: int  # of the import
    row: LabelRow
    image: Image | None
    at: datetime

    @property
    def order(self) -> tuple[datetime, int]:
        return (self.at, self.number)


@dataclass
class InMemoryLabelRows(LabelRows):
    """Labels in the order of their imports."""

    allocation: InMemoryAllocation
    imports: dict[tuple[str, str], ImportCounts] = field(default_factory=dict)  # by key and etag
    labels: list[StoredLabel] = field(default_factory=list)  # of images, and held ones
    groups: list[LabelRow] = field(default_factory=list)
    answers: dict[tuple[Image, str, str], StoredLabel] = field(default_factory=dict)
    contents: dict[str, ImportCounts] = field(default_factory=dict)  # by SHA-256

    def find_import(self, source: ObjectVersion) -> ImportCounts | None:
        return self.imports.get((source.location.key, source.etag))

    def import_file(self, label_import: LabelImport) -> ImportCounts:
        version = (label_import.source.location.key, label_import.source.etag)
        if version in self.imports:
            return self.imports[version]
        file = label_import.read()
        rows = list(file.rows)
        label_import.heartbeat()
        if (earlier := self.contents.get(file.digest())) is not None:
            return self._known(label_import, file, earlier)
        resolved, number, now = self._resolved(rows, file), len(self.imports) + 1, datetime.now(UTC)
        resolved, repeated = _without_repeats(resolved, file)
        stored = [StoredLabel(number, row, image, row.labelled_at or now) for row, image in resolved]
        groups = [label for label in stored if label.row.image.level not in {IMAGE, FILE}]
        singles = [label for label in stored if label not in groups]
        superseded = sum(self._is_replaced(label) for label in singles)
        known = sum(self._has_images(label.row) for label in groups)
        counts = ImportCounts(
            file.form,
            accepted=sum(label.image is not None and label.row.label is not None for label in singles)
            + known,
            repeated=repeated,
            superseded=superseded,
            held=sum(label.image is None and label.row.label is not None for label in singles)
            + len(groups)
            - known,
            refused=file.refused.number,
        )
        label_import.report(counts, file.refused)
        self.groups += [label.row for label in groups]
        self.labels += [label for label in singles if label.row.label is not None or label.image is None]
        withdrawn = self._answered([label for label in singles if label.image is not None])
        self.imports[version] = self.contents[file.digest()] = replace(
            counts, superseded=superseded + withdrawn
        )
        return self.imports[version]

    def _known(self, label_import: LabelImport, file: LabelFile, earlier: ImportCounts) -> ImportCounts:
        """Import a file whose bytes are known: nothing changes."""
        repeated = earlier.accepted + earlier.held + earlier.repeated
        counts = ImportCounts(file.form, repeated=repeated, refused=earlier.refused)
        label_import.report(counts, file.refused)
        self.imports[label_import.source.location.key, label_import.source.etag] = counts
        return counts

    def apply_held(self) -> int:
        held = [label for label in self.labels if label.image is None]
        applied = [replace(label, image=image) for label in held if (image := self._held_image(label))]
        lines = {(label.number, label.row) for label in applied}
        self.labels = [label for label in self.labels if (label.number, label.row) not in lines]
        self.labels += [label for label in applied if label.row.label is not None]
        self._answered(applied)
        return sum(label.row.label is not None for label in applied)

    def standing(self) -> dict[tuple[Image, str, str], float]:
        """The newest value of each label by each annotator for each image, without group labels."""
        newest = sorted((label for label in self.labels if label.image), key=lambda label: label.order)
        values = {(label.image, label.row.label, label.row.annotator): label.row.value for label in newest}
        return {key: value for key, value in values.items() if value is not None}  # type: ignore[misc]

    def _held_image(self, label: StoredLabel) -> Image | None:
        hits, path = self._hits(label.row.image)
        return hits[0] if len(hits) == 1 and path else None

    def _hits(self, name: ImageName) -> tuple[list[Image], bool]:
        """The images that a name fits, and whether the only one is in the given folders."""
        hits = [
            (uid, frame)
            for uid, frame in self.allocation.images
            if (name.level == FILE or uid == name.uid) and name.frame in {frame, None}
        ]
        if len(hits) != 1 or name.path is None or name.level == FILE:
            return hits, True
        return hits, f"/{self.allocation.images[hits[0]].allocated.key}".endswith(f"/{name.path}")

    def _resolved(self, rows: Iterable[LabelRow], file: LabelFile) -> list[tuple[LabelRow, Image | None]]:
        resolved: list[tuple[LabelRow, Image | None]] = []
        for row in rows:
            hits, is_there = self._hits(row.image) if row.image.level in {IMAGE, FILE} else ([], True)
            cause = _cause(row.image, len(hits), is_there)
            if cause is None:
                resolved.append((row, hits[0] if hits else None))
            elif row.label is not None:
                file.refused.extend(1, [RefusedRow(row.line, cause)], [row.line])
        return resolved

    def _has_images(self, row: LabelRow) -> bool:
        return any(
            row.image.uid in image.allocated.key.split("/") for image in self.allocation.images.values()
        )

    def _is_replaced(self, label: StoredLabel) -> bool:
        return label.row.label is not None and any(
            (old.image, old.row.label, old.row.annotator)
            == (label.image, label.row.label, label.row.annotator)
            and old.at <= label.at
            for old in self.labels
            if old.image
        )

    def _answered(self, labels: list[StoredLabel]) -> int:
        """Set labels that the newest answers do not choose again to 0, or withdraw them; returns how many."""
        answered = set()
        for label in labels:
            if label.row.control is None or label.image is None:
                continue
            question = (label.image, label.row.annotator, label.row.control)
            answered.add(question)
            if label.row.label is None and (
                question not in self.answers or self.answers[question].at <= label.at
            ):
                self.answers[question] = label
        return sum(self._withdrawn(question) for question in answered if question in self.answers)

    def _withdrawn(self, question: tuple[Image, str, str]) -> int:
        answer = self.answers[question]
        own = [
            label
            for label in sorted(self.labels, key=lambda label: label.order)
            if (label.image, label.row.annotator, label.row.control) == question
        ]
        newest = {label.row.label: label for label in own}
        old = [
            label
            for label in newest.values()
            if label.order < answer.order and label.row.value != answer.row.value
        ]
        self.labels += [replace(answer, row=answer.row._replace(label=label.row.label)) for label in old]
        return len(old)


def _cause(name: ImageName, hits: int, is_there: bool) -> str | None:
    if hits > 1 and name.level == FILE:
        return f"The name fits {hits} images; give the key with its folders."
    if hits > 1:
        return f"The instance has {hits} frames; give the frame, or the level instance."
    if hits == 0 and name.level == FILE:
        return "No image has this file name; one that is not known yet needs its SOP Instance UID."
    return None if is_there else "The image of this SOP Instance UID is in other folders."


def _without_repeats(
    resolved: list[tuple[LabelRow, Image | None]], file: LabelFile
) -> tuple[list[tuple[LabelRow, Image | None]], int]:
    """Each label once: contradictions are refused, repetitions are counted."""
    values: dict[object, set[float | None]] = {}
    for row, image in resolved:
        values.setdefault(_identity(row, image), set()).add(row.value)
    stored, times = [], Counter[object]()
    for row, image in resolved:
        identity = _identity(row, image)
        if len(values[identity]) > 1:
            file.refused.extend(
                1,
                [RefusedRow(row.line, "Another row of this file has a different value for it.")],
                [row.line],
            )
            continue
        times[identity] += row.label is not None
        if times[identity] <= 1:
            stored.append((row, image))
    return stored, sum(number - 1 for number in times.values() if number > 1)


def _identity(row: LabelRow, image: Image | None) -> object:
    subject = image or (row.image.level, row.image.uid, row.image.frame)
    answer = row.line if row.label is None else 0
    return (subject, row.label, row.annotator, row.labelled_at, answer)
