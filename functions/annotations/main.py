"""annotations: imports one label file as label rows, and writes a report beside the file.

Trigger   ObjectCreated in annotations, outside processed/; POST without a body: all waiting files
Reads     annotations
Writes    label rows, as history; replaces the file by its imported labels in annotations/processed/,
          with a report beside them
Errors    not a label file (docs/labels.md): quarantined; wrong rows, and rows that may name a patient:
          refused, by line in the report
"""

from functools import cache, partial

from flask import Request, Response

from common import wiring
from common.http.http_target import Target, respond
from common.settings import settings
from common.store.object_key import ANNOTATIONS, HELD, PROCESSED
from functions.annotations.formats.vocabulary import read_vocabulary
from functions.annotations.import_labels import LabelImporter, import_waiting
from functions.annotations.storage.label_rows import PostgresLabelRows


def annotations(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    config, store, rows = settings(), wiring.object_store(), PostgresLabelRows(wiring.database())
    vocabulary = partial(read_vocabulary, config.label_vocabulary, config.label_columns)
    stage = wiring.stage(
        "annotations",
        LabelImporter(store, rows, vocabulary, max_bytes=config.label_max_megabytes * 1024 * 1024),
        accepts=lambda at: at.bucket == ANNOTATIONS and not at.key.startswith((PROCESSED, HELD)),
    )
    return wiring.stage_target(stage, on_run=lambda: import_waiting(store, rows, stage.handle))
