"""The page of the NAS folders: from the files that were found to the images that have labels."""

from flask import Blueprint, render_template, request

from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.folders.folder_list import listed

blueprint = Blueprint("folders", __name__, url_prefix="/folders")


@blueprint.get("/")
@allowed()
def page() -> str:
    """A page of folders, the newest first; only reviewers see their names."""
    before = request.args.get("before", None, int)
    with ports().database.snapshot() as connection:
        folders, has_more = listed(connection, before=before, with_names=current_user().has("reviewer"))
    return render_template("folders.html", folders=folders, has_more=has_more, is_first=before is None)
