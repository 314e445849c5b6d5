"""store_metadata: stores one metadata JSON as rows.

Trigger   ObjectCreated in metadata, suffix .json; POST without a body: all due items
Reads     metadata
Writes    patient, study, series, instance and image rows in one transaction
Errors    not JSON, a wrong field, a study of another patient, a series of another study: quarantined
"""

from functools import cache

from flask import Request, Response

from common import wiring
from common.http.http_target import Target, respond
from common.store.object_key import METADATA
from functions.store_metadata.metadata_rows import PostgresMetadataRows
from functions.store_metadata.persist_metadata import MetadataPersister


def store_metadata(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    persister = MetadataPersister(store=wiring.object_store(), rows=PostgresMetadataRows())
    stage = wiring.stage(
        "store_metadata",
        persister,
        accepts=lambda at: at.bucket == METADATA and at.key.endswith(".json"),
        is_announced=lambda _: True,
    )
    return wiring.stage_target(stage)
