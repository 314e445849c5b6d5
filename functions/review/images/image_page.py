"""De-identified pictures, for every signed-in user."""

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, abort, render_template, request

from common.errors import PermanentError
from common.store.object_store import ObjectVersion
from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.images.image_list import PAGE, ImageFilter, Place, listed
from functions.review.images.image_objects import Content, open_version, with_image

blueprint = Blueprint("images", __name__, url_prefix="/images")
_GONE = "There is no such image; it may have been erased, or is drawn again just now."


@blueprint.get("/")
@allowed()
def listing() -> str:
    """The images of a bucket, those that wait for a verdict, or all."""
    chosen, place = ImageFilter.of(request.args), Place.of(request.args)
    found = listed(ports().database, chosen, place, most=PAGE + 1)
    shown = found[:PAGE]
    last = Place(shown[-1]["uid"], shown[-1]["frame"]) if shown else place
    return render_template(
        "image_list.html",
        chosen=chosen,
        images=shown,
        next_query=chosen.query | last.query if len(found) > PAGE else None,
        is_first=place == Place(),
    )


@blueprint.get("/<uid>/<int:frame>.png")
@allowed()
def picture(uid: str, frame: int) -> Response:
    """The picture of a frame, in pieces."""
    version, pieces = _used(uid, frame, partial(open_version, ports().store))
    return Response(pieces, content_type="image/png", headers={"Content-Length": str(version.size)})


@blueprint.get("/<uid>/<int:frame>/small.png")
@allowed()
def small(uid: str, frame: int) -> Response:
    """A small picture of a frame, for pages with many."""

    def made(version: ObjectVersion) -> bytes:
        key = (uid, frame, version.etag)
        return ports().small_pictures.of(key, lambda: ports().store.read(version))

    try:
        body = _used(uid, frame, made)
    except PermanentError as error:
        abort(404, str(error))
    return Response(body, content_type="image/png")


def _used(uid: str, frame: int, use: Callable[[ObjectVersion], Content]) -> Content:
    """What is made of an image, which is told if there is none."""
    wired = ports()
    prefix = wired.settings.images_prefix
    found = with_image(wired.database, wired.store, uid, frame, use, images_prefix=prefix)
    return abort(404, _GONE) if found is None else found
