"""poll_nas: new folders on the NAS to the raw bucket.

Trigger   timer (POST), or curl
Reads     the NAS folder root
Writes    raw/incoming/<folder>/<path>, source_folder and source_file rows; a mark on the NAS
Errors    NAS, store or database away: 503, the next poll goes on; junk: skipped with a cause
"""

from functools import cache

from flask import Request, Response

from common import ports
from common.http_target import Target, respond
from common.nas import nas_from_url
from common.settings import settings
from functions.poll_nas.poll_folders import FolderPoller
from functions.poll_nas.source_rows import PostgresSourceRows


def poll_nas(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    chosen = settings()
    nas = nas_from_url(chosen.required("nas_url"))
    poller = FolderPoller(
        nas=nas,
        store=ports.object_store(),
        rows=PostgresSourceRows(ports.database()),
        mark=None if chosen.nas_read_only else chosen.nas_processed_mark,
        quiet_seconds=chosen.nas_quiet_seconds,
    )
    return Target(
        "poll_nas",
        chosen.required("token"),
        on_run=poller.poll,
        checks=ports.checks() | {"NAS": nas.list_folders},
    )
