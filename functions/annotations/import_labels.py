"""One label file: read its rows, find the images, keep the labels, report."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import orjson

from common.errors import PermanentError
from common.event_record import EventRecord
from common.object_key import ANNOTATIONS, HELD, PROCESSED, Location, processed
from common.object_store import ListedObject, ObjectStore
from common.stage import Item, Outcome, Result
from functions.annotations.label_file import RefusedRow, parse_label_file
from functions.annotations.label_rows import Ambiguous, LabelRows, ResolvedLabel

MAX_BYTES = 64 * 1024 * 1024
MAX_REFUSED_IN_REPORT = 1000


@dataclass(frozen=True)
class ImportReport:
    """What became of a label file's rows."""

    accepted: int  # labels now on an image
    held: int  # labels of images that aren't known yet
    refused: int
    refused_rows: list[RefusedRow]  # the first 1000, with line and cause


@dataclass(frozen=True)
class LabelImporter:
    """The work of annotations on its ports."""

    store: ObjectStore
    rows: LabelRows

    def __call__(self, item: Item) -> Outcome:
        """Keep every good row of a label file, and write the report beside its processed copy."""
        location = item.version.location
        if item.version.size > MAX_BYTES:
            raise PermanentError(f"The label file is over {MAX_BYTES} bytes.", "Split it and put the parts.")
        rows, refused = parse_label_file(self.store.read(item.version))
        found = self.rows.find_images({row.image for row in rows})
        labels = []
        for row in rows:
            image = found.get(row.image)
            if isinstance(image, Ambiguous):
                cause = f"The name fits {image.number} images; give the key with its folders."
                refused.append(RefusedRow(row.line, cause))
            else:
                labels.append(ResolvedLabel(row, image))
        held = sum(label.image is None for label in labels)
        refused.sort(key=lambda row: row.line)
        report = ImportReport(len(labels) - held, held, len(refused), refused[:MAX_REFUSED_IN_REPORT])
        target = processed(location)
        self.store.put(_report_place(target), _to_json(report), content_type="application/json")
        counts = {"accepted": report.accepted, "held": held, "refused": report.refused}
        return Outcome(
            "imported",
            move_to=target,
            record=lambda: self.rows.keep(item.version, labels, counts),
            details=counts,
        )


def import_waiting(
    store: ObjectStore, rows: LabelRows, handle: Callable[[EventRecord], Result]
) -> Mapping[str, object]:
    """A run without an event: whatever waits in the bucket, and held labels that can be applied."""
    results = []
    for waiting in _waiting(store):
        version = waiting.version
        record = EventRecord(ANNOTATIONS, version.location.key, version.etag, version.size)
        results.append(handle(record).body)
    applied = rows.apply_held()
    if not results and not applied:
        return {"status": "no_updates"}
    return {"status": "imported", "results": results, "held_labels_applied": applied}


def _waiting(store: ObjectStore) -> Iterator[ListedObject]:
    """Everything in the bucket but what was processed, at the cost of what waits."""
    for top in store.list_top(ANNOTATIONS):
        if top not in {PROCESSED, HELD}:
            yield from store.list_prefix(ANNOTATIONS, top)


def _report_place(target: Location) -> Location:
    return Location(target.bucket, f"{target.key}.report.json")


def _to_json(report: ImportReport) -> bytes:
    return orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2)
