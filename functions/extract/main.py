"""extract: turns one DICOM file into PNGs, a de-identified DICOM file and metadata.

Trigger   ObjectCreated in raw, prefixes nas/ and incoming/; POST without a body: all due items
Reads     raw/nas/, raw/incoming/
Writes    images-*, deidentified, metadata, due ledger rows for the next functions; raw/processed/, raw/held/
Errors    not DICOM, truncated, no decoder, contradicting: quarantined; possible burned-in text: held
"""

from functools import cache

from flask import Request, Response

from common import wiring
from common.http.http_target import Target, respond
from common.settings import settings
from common.store.object_key import INCOMING, NAS, RAW
from functions.extract.extract_instance import InstanceExtractor
from functions.extract.image_allocation import PostgresAllocation
from functions.extract.sandbox.pool import sandbox_pool
from functions.extract.sandbox.rules_from_settings import preparation_rules, with_known_keys


def extract(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    config = settings()
    rules = preparation_rules(config)
    store = wiring.object_store()
    database, check = wiring.database(), rules.key_check
    allocation = PostgresAllocation(database, store=store, settings=config, key_check=check)
    rules = with_known_keys(rules, allocation.spaces())
    extractor = InstanceExtractor(
        store=store,
        allocation=allocation,
        prepare=sandbox_pool(rules, config),
        max_megabytes=config.max_megabytes_per_file,
    )
    stage = wiring.stage(
        "extract",
        extractor,
        accepts=lambda at: at.bucket == RAW and at.key.startswith((INCOMING, NAS)),
        is_announced=lambda at: at.key.startswith(NAS),
    )
    return wiring.stage_target(stage)
