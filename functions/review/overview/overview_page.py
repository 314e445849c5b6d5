"""The overview: the balance, the functions, what arrived, what is set aside."""

from typing import Any

from flask import Blueprint, render_template

from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.overview.overview_numbers import read_overview

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
@allowed()
def page() -> str:
    """The overview; it loads itself again every few seconds."""
    return render_template("overview.html", **_overview())


def _overview() -> dict[str, Any]:
    with ports().database.snapshot() as connection:
        return read_overview(connection)
