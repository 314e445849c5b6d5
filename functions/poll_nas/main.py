"""poll_nas: copies new folders from the NAS into raw.

Trigger   timer (POST), or curl
Reads     the NAS folder root
Writes    raw/nas/<folder>/<path>, source rows, due ledger rows for extract; a mark on the NAS
Errors    NAS, store or database away: 503, the next poll continues; junk files: skipped with a cause
"""

from functools import cache
from typing import NoReturn

from flask import Request, Response

from common import wiring
from common.errors import SettingsError
from common.http.http_target import Target, respond
from common.nas.location import open_nas
from common.nas.login_refusal import PostgresRefusals
from common.nas.processed_mark import configured_mark
from common.settings import settings
from functions.poll_nas.copy_files import FileCopier
from functions.poll_nas.poll_folders import FolderPoller, PollLimits
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.unpack_archive import ArchiveLimits

_RECHECKED_FOLDERS = 10  # processed folders listed again in each poll, the longest ago first
_FOLDERS = 4  # visited at a time, so that many small folders are not copied one file at a time


def poll_nas(request: Request) -> Response:
    """The HTTP target."""
    return respond(request, _target)


@cache
def _target() -> Target:
    config = settings()
    if config.nas_url is None:
        checks = wiring.checks() | {"NAS": _without_nas}
        return Target("poll_nas", wiring.tokens(), on_run=_without_nas, checks=checks)
    nas = open_nas(config, refusals=PostgresRefusals(wiring.database()))
    rows, store = PostgresSourceRows(wiring.database()), wiring.object_store()
    archives = ArchiveLimits(config.nas_archive_files, config.nas_archive_megabytes * 1024**2)
    quiet, budget = config.nas_quiet_seconds, config.nas_poll_budget_seconds
    poller = FolderPoller(
        nas=nas,
        rows=rows,
        copier=FileCopier(nas, store, rows, threads=config.nas_copies, limits=archives),
        mark=configured_mark(config),
        limits=PollLimits(quiet, budget, _RECHECKED_FOLDERS, _FOLDERS),
    )
    checks = wiring.checks() | {"NAS": nas.list_folders}
    return Target("poll_nas", wiring.tokens(), on_run=poller.poll, checks=checks)


def _without_nas() -> NoReturn:
    """The answer to each poll at a site that puts its files into raw itself."""
    raise SettingsError("DCM2SET_NAS_URL is not set.")
