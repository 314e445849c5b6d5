"""extract: one DICOM file to PNGs, a de-identified DICOM file and metadata.

Trigger   ObjectCreated in raw, prefixes nas/ and incoming/; POST without a body: what is due
Reads     raw/nas/, raw/incoming/
Writes    images-*, deidentified, metadata, ledger rows of what comes next; raw/processed/, held/, quarantine
Errors    no DICOM, truncated, no decoder, UID conflict: quarantined; burned-in text: held
"""

from functools import cache

from flask import Request, Response

from common import ports
from common.http_target import Target, respond
from common.object_key import INCOMING, NAS, RAW
from common.settings import settings
from functions.extract.drawing_process import DrawingProcesses
from functions.extract.extract_instance import InstanceExtractor
from functions.extract.image_allocation import PostgresAllocation
from functions.extract.prepared_instance import rules_of


def extract(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    chosen = settings()
    extractor = InstanceExtractor(
        store=ports.object_store(),
        allocation=PostgresAllocation(ports.database(), store=ports.object_store(), settings=chosen),
        prepare=DrawingProcesses(
            rules_of(chosen), seconds=chosen.seconds_per_file, megabytes=chosen.megabytes_per_file
        ),
        max_megabytes=chosen.max_megabytes_per_file,
    )
    stage = ports.stage(
        "extract",
        extractor,
        accepts=lambda at: at.bucket == RAW and at.key.startswith((INCOMING, NAS)),
        is_announced=lambda at: at.key.startswith(NAS),
    )
    return ports.stage_target(stage)
