"""The overview: the balance, the functions, what arrived, what is set aside."""

import shutil
import tempfile

from flask import Blueprint, render_template, url_for

from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.files.file_list import hours_until
from functions.review.overview.overview_numbers import read_overview
from oversight.erasure.requests import unfinished

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
@allowed()
def page() -> str:
    """The overview; it loads itself again every few seconds."""
    with ports().database.snapshot() as connection:
        numbers = read_overview(connection)
        erasures = unfinished(connection) if current_user().has("operator") else None
    waiting = [row["oldest_seconds"] for row in numbers["functions"] if row["oldest_seconds"] is not None]
    return render_template(
        "overview.html",
        **numbers,
        erasures=erasures,
        oldest=max(waiting, default=None),
        free=shutil.disk_usage(tempfile.gettempdir()).free,
        links=_links(is_reviewer=current_user().has("reviewer")),
        items_url=items_url,
        hours=hours_until,
    )


def _links(*, is_reviewer: bool) -> dict[str, str]:
    """Where each number of the balance can be looked at."""
    verdicts = {
        f"images_{verdict}": url_for("quality.gallery", of_verdict=verdict)
        for verdict in ("good", "review", "black", "low_quality")
    }
    files = {
        f"files_{state}": url_for("files.page", state=state)
        for state in ("found", "extracted", "waiting", "skipped", "erased", "difference")
    }
    held = url_for("held.listing") if is_reviewer else items_url("extract", "held")
    return {
        **verdicts,
        **files,
        "files_held": held,
        "files_refused": items_url("extract", "refused"),
        "files_quarantined": url_for("quarantine.page", function="extract"),
        "frames": url_for("images.listing"),
        "images_waiting": url_for("images.listing", state="waiting"),
        "images_quarantined": url_for("quarantine.page", function="quality"),
    }


def items_url(function: str, state: str, cause: str | None = None) -> str:
    """The page that lists the items of a function in a state."""
    return url_for("item_list.page", function=function, state=state, cause=cause)
