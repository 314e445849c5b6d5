"""The pages of an item, a file or an image: the search and the time line."""

from typing import Any

import psycopg
from flask import Blueprint, abort, redirect, render_template, request, url_for
from psycopg.rows import DictRow
from werkzeug.wrappers import Response as AnyResponse

from common.errors import PermanentError
from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.items.item_search import EXPECTED, UID, search
from oversight.erasure.extent import one_item_of_each_patient
from oversight.trace.conflicts import SHOWN, resolve_command
from oversight.trace.time_line import time_line
from oversight.trace.trace import Subject, trace

_MOST_EVENTS = 500  # of a time line; a file may have thousands of frames
_MOST_ITEMS, _MOST_PICTURES = 100, 24  # of a page

blueprint = Blueprint("items", __name__, url_prefix="/items")


@blueprint.get("/")
@allowed()
def page() -> str:
    """The field to search with."""
    return render_template("item_search.html")


@blueprint.post("/")
@allowed()
def find() -> AnyResponse | tuple[str, int]:
    """Go to the page of what was searched for; the name itself comes into no address."""
    name = request.form.get("name", "").strip()
    with ports().database.snapshot() as connection:
        found = search(connection, name, is_reviewer=current_user().has("reviewer"))
    if found is None:
        return render_template("item_search.html", fault=EXPECTED), 404
    return redirect(_address(found), code=303)


@blueprint.get("/<int:number>")
@allowed()
def item(number: int) -> str:
    """One item."""
    return _shown(f"item-{number}", f"Item {number}")


@blueprint.get("/file/<int:number>")
@allowed()
def file(number: int) -> str:
    """One file of the NAS, also if no function has seen it yet."""
    return _shown(f"file-{number}", f"File {number}")


@blueprint.get("/image/<uid>")
@allowed()
def instance(uid: str) -> str:
    """All images of an instance."""
    return _shown(_checked(uid), f"Images of {uid}")


@blueprint.get("/image/<uid>/<int:frame>")
@allowed()
def image(uid: str, frame: int) -> str:
    """One image."""
    return _shown(f"{_checked(uid)}/{frame}", f"Image {uid}/{frame}", frame)


def _checked(uid: str) -> str:
    return uid if UID.fullmatch(uid) else abort(404, EXPECTED)


def _address(found: Subject) -> str:
    if found.files:
        return url_for("items.file", number=found.files[0])
    if found.items:
        return url_for("items.item", number=found.items[0])
    if found.frame is not None:
        return url_for("items.image", uid=found.uid, frame=found.frame)
    return url_for("items.instance", uid=found.uid)


def _shown(name: str, title: str, frame: int | None = None) -> str:
    try:
        with ports().database.snapshot() as connection:
            found = trace(connection, name)
            erasable = _erasable(connection, found)
    except PermanentError:
        abort(404, EXPECTED)
    if frame is not None and not found["images"]:
        abort(404, "There is no such image.")
    events = time_line(found)
    return render_template(
        "item.html",
        title=title,
        found=found,
        frame=frame,
        uid=_uid(found),
        items=found["items"][:_MOST_ITEMS],
        pictures=found["images"][:_MOST_PICTURES],
        events=events[:_MOST_EVENTS],
        left_out=len(events) - _MOST_EVENTS,
        compared=[_side_by_side(each) for each in found["conflicts"]],
        erasable=erasable,
    )


def _erasable(connection: psycopg.Connection[DictRow], found: dict[str, Any]) -> list[int]:
    """An item of each patient whose erasure the user may ask for."""
    if not current_user().has("operator"):
        return []
    return one_item_of_each_patient(connection, [each["id"] for each in found["items"]])


def _uid(found: dict[str, Any]) -> str | None:
    return found["instance"]["sop_instance_uid"] if found["instance"] else None


def _side_by_side(conflict: dict[str, Any]) -> dict[str, Any]:
    """A conflict as a table: a column for each file, a row for each fact."""
    sides = [conflict["this"], *conflict["others"]]
    rows = [(name.replace("_", " "), [side[name] for side in sides]) for name in SHOWN]
    return conflict | {
        "items": [side["item"] for side in sides],
        "rows": [(name, values, len(set(map(str, values))) > 1) for name, values in rows],
        "command": resolve_command(conflict["item"]),
    }
