"""De-identified pictures, for every signed-in user."""

from flask import Blueprint, Response, abort

from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.images.image_objects import open_image

blueprint = Blueprint("images", __name__, url_prefix="/images")


@blueprint.get("/<uid>/<int:frame>.png")
@allowed()
def picture(uid: str, frame: int) -> Response:
    """The picture of a frame, in pieces."""
    prefix = ports().settings.images_prefix
    found = open_image(ports().database, ports().store, uid, frame, images_prefix=prefix)
    if found is None:
        abort(404, "There is no such image; it may have been erased, or is drawn again just now.")
    version, pieces = found
    return Response(pieces, content_type="image/png", headers={"Content-Length": str(version.size)})
