"""poll_nas: new folders on the NAS to the raw bucket.

Trigger   timer (POST), or curl
Reads     the NAS folder root
Writes    raw/nas/<folder>/<path>, source rows, ledger rows for extract; a mark on the NAS
Errors    NAS, store or database away: 503, the next poll goes on; junk: skipped with a cause
"""

from functools import cache

from flask import Request, Response

from common import ports
from common.http_target import Target, respond
from common.nas_location import open_nas
from common.nas_mark import chosen_mark
from common.nas_refusal import PostgresRefusals
from common.settings import settings
from functions.poll_nas.copy_files import FileCopier
from functions.poll_nas.poll_folders import FolderPoller, PollLimits
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.unpack_archive import ArchiveLimits


def poll_nas(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    chosen = settings()
    nas = open_nas(chosen, refusals=PostgresRefusals(ports.database()))
    rows, store = PostgresSourceRows(ports.database()), ports.object_store()
    archives = ArchiveLimits(chosen.nas_archive_files, chosen.nas_archive_megabytes * 1024**2)
    poller = FolderPoller(
        nas=nas,
        rows=rows,
        copier=FileCopier(nas, store, rows, at_a_time=chosen.nas_copies, limits=archives),
        mark=chosen_mark(chosen),
        limits=PollLimits(
            chosen.nas_quiet_seconds, chosen.nas_poll_budget_seconds, chosen.nas_recheck_folders
        ),
    )
    return Target(
        "poll_nas",
        ports.tokens(),
        on_run=poller.poll,
        checks=ports.checks() | {"NAS": nas.list_folders},
    )
