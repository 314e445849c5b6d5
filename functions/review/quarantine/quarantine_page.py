"""The page of quarantined items: their causes, what to do, and the replay after that was done."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from functions.review.access.form_fields import is_number
from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.quarantine.quarantined import (
    AT_ONCE,
    PAGE,
    Group,
    Replayed,
    groups,
    listed,
    put_back_all,
)

blueprint = Blueprint("quarantine", __name__, url_prefix="/quarantine")


@blueprint.get("/")
@allowed()
def page() -> str:
    """The quarantined items by cause, and a page of the list."""
    return _page(Group.of(request.args), after=request.args.get("after", 0, int))


@blueprint.post("/replay")
@allowed("operator")
def replay() -> AnyResponse | tuple[str, int]:
    """Put back one item, or those of one cause; what could not be put back is told."""
    chosen = Group.of(request.form)
    number = request.form.get("item", "")
    if number:
        if not is_number(number):
            abort(400, "An item is a number.")
        numbers = [int(number)]
    else:
        if chosen.function is None or chosen.cause is None:
            abort(400, "Choose one item, or a function and a cause.")
        numbers = [row["id"] for row in listed(ports().database, chosen, most=AT_ONCE)]
    with ports().database.session() as connection:
        replayed = put_back_all(connection, ports().store, numbers, who=current_user().name)
    if replayed.failures:
        return _page(chosen, replayed=replayed), 409
    query: dict[str, Any] = {"put_back": replayed.number, **chosen.query}
    return redirect(url_for("quarantine.page", **query), code=303)


def _page(chosen: Group, *, after: int = 0, replayed: Replayed | None = None) -> str:
    database = ports().database
    found = listed(database, chosen, after=after, most=PAGE + 1)
    if replayed is None:
        replayed = Replayed(max(0, request.args.get("put_back", 0, int)))
    return render_template(
        "quarantine.html",
        chosen=chosen,
        groups=groups(database),
        items=found[:PAGE],
        has_more=len(found) > PAGE,
        replayed=replayed,
        at_once=AT_ONCE,
    )
