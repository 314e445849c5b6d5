"""The overview: the balance, the functions, what arrived, what is set aside."""

import shutil
import tempfile

from flask import Blueprint, render_template, url_for

from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.overview.overview_numbers import read_overview

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
@allowed()
def page() -> str:
    """The overview; it loads itself again every few seconds."""
    with ports().database.snapshot() as connection:
        numbers = read_overview(connection)
    waiting = [row["oldest_seconds"] for row in numbers["functions"] if row["oldest_seconds"] is not None]
    return render_template(
        "overview.html",
        **numbers,
        oldest=max(waiting, default=None),
        free=shutil.disk_usage(tempfile.gettempdir()).free,
        links=_links(is_reviewer=current_user().has("reviewer")),
    )


def _links(*, is_reviewer: bool) -> dict[str, str]:
    """Where each number of the balance can be looked at."""
    images = {
        f"images_{verdict}": url_for("quality.gallery", of_verdict=verdict)
        for verdict in ("good", "review", "black", "low_quality")
    }
    quarantine = url_for("quarantine.page")
    files = {
        "files_found": url_for("folders.page"),
        "files_quarantined": quarantine,
        "images_quarantined": quarantine,
    }
    return files | images | ({"files_held": url_for("held.listing")} if is_reviewer else {})
