"""Imports one label file: reads its rows, stores the labels and writes the report."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace

import orjson

from common.errors import ObjectMissingError, PermanentError
from common.stage.item import Item, Outcome, Result
from common.store.event_record import EventRecord
from common.store.object_key import ANNOTATIONS, HELD, PROCESSED, Location, beside, processed
from common.store.object_store import ListedObject, ObjectStore, ObjectVersion
from functions.annotations.formats.label_file import LabelFile, read_label_file
from functions.annotations.formats.refused_row import Refusals
from functions.annotations.formats.vocabulary import Vocabulary
from functions.annotations.imported_copy import ImportedCopy
from functions.annotations.storage.import_counts import ImportCounts
from functions.annotations.storage.label_rows import LabelImport, LabelRows

_MEGABYTE = 1024 * 1024
_REPORT = ".report.json"


@dataclass(frozen=True)
class LabelImporter:
    """The work of annotations on its ports."""

    store: ObjectStore
    rows: LabelRows
    vocabulary: Callable[[], Vocabulary]
    max_bytes: int

    def __call__(self, item: Item) -> Outcome:
        """Store every valid row of a label file; write these rows, and the report beside them."""
        version = item.version
        target = self._target(version)
        counts = self.rows.find_import(version) or self._import(item, target)
        return Outcome("imported", move_to=target, is_written=True, details=_details(counts))

    def _import(self, item: Item, target: Location) -> ImportCounts:
        version = item.version
        if version.size > self.max_bytes:
            limit = self.max_bytes // _MEGABYTE
            raise PermanentError(f"The label file is over {limit} MiB.", "Split it into several files.")
        with ImportedCopy() as copy, ExitStack() as streams:

            def read() -> LabelFile:
                chunks = streams.enter_context(closing(self.store.stream(version)))
                return copy.of(read_label_file(chunks, self.vocabulary()))

            def report(counts: ImportCounts, refused: Refusals) -> None:
                # The report first: it says whose copy is at the target, also after a crash in between.
                self._report(target, version, counts, refused)
                if not counts.accepted and not counts.held:
                    copy.clear()
                copy.store(self.store, target, refused.later)

            return self.rows.import_file(LabelImport(version, read, item.heartbeat, report))

    def _target(self, version: ObjectVersion) -> Location:
        """Where the copy is written; another name if an earlier file or a report may have this one."""
        target = processed(version.location)
        is_free = not target.key.endswith(_REPORT) and self._is_free(target, version)
        return target if is_free else beside(target, version.etag)

    def _is_free(self, target: Location, version: ObjectVersion) -> bool:
        """Whether no copy of another file is there: the report beside a copy names its file's ETag."""
        try:
            report = orjson.loads(self.store.read_now(_report_of(target)))
        except (ObjectMissingError, orjson.JSONDecodeError):
            try:
                self.store.stat(target)
            except ObjectMissingError:
                return True
            return False
        return isinstance(report, dict) and report.get("etag") == version.etag

    def _report(
        self, target: Location, version: ObjectVersion, counts: ImportCounts, refused: Refusals
    ) -> None:
        content = {"etag": version.etag} | _details(counts)
        content["refused_rows"] = [asdict(row) for row in refused.rows]
        body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
        self.store.put(_report_of(target), body, content_type="application/json")


def import_waiting(
    store: ObjectStore, rows: LabelRows, handle: Callable[[EventRecord], Result]
) -> Mapping[str, object]:
    """A run without an event: import the waiting files, and apply held labels whose images are known."""
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
    """The waiting files. Processed ones are not listed, so the cost depends on the waiting files only."""
    for top in store.list_top(ANNOTATIONS):
        if top not in {PROCESSED, HELD}:
            yield from store.list_prefix(ANNOTATIONS, top)


def _report_of(target: Location) -> Location:
    return replace(target, key=f"{target.key}{_REPORT}")


def _details(counts: ImportCounts) -> dict[str, object]:
    numbers = asdict(counts)
    return {"format": numbers.pop("form"), **numbers}
