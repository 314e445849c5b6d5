"""The page that lists files: where the numbers of the balance lead."""

from flask import Blueprint, abort, render_template, request

from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.files.file_list import PAGE, STATES, FileFilter, Place, listed, place_of

blueprint = Blueprint("files", __name__, url_prefix="/files")


@blueprint.get("/")
@allowed()
def page() -> str:
    """The files in a state, or those that arrived at some time."""
    chosen = FileFilter.of(request.args) or abort(400, "There is no such state or time.")
    place = Place.of(request.args)
    found = listed(ports().database, chosen, place, most=PAGE + 1)
    return render_template(
        "file_list.html",
        chosen=chosen,
        files=found[:PAGE],
        next_query=chosen.query | place_of(found[PAGE - 1]).query if len(found) > PAGE else None,
        is_first=place == Place(),
        states=STATES,
    )
