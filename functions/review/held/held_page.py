"""The pages of held files: the list, one file at a time, contact sheets, and the decisions."""

from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from common.errors import ConflictError
from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.held.decision_form import DecisionForm, read_window
from functions.review.held.held_items import PAGE, SHEET, Filter, HeldItem, HeldItems
from oversight.audit.audit_log import AuditEvent, record_alone, record_views
from oversight.decisions import pending

blueprint = Blueprint("held", __name__, url_prefix="/held")
_MOST_FRAMES = 2**31 - 1  # of a file: its number of frames is such an integer (DICOM PS3.5, IS)
_LAST = 2**63 - 1  # number that an item can have
_AHEAD = 4  # files that are drawn before a person comes to them


def _items() -> HeldItems:
    return HeldItems(ports().database)


def _after() -> int:
    return min(max(0, request.args.get("after", 0, int)), _LAST)


@blueprint.get("/")
@allowed("reviewer")
def listing() -> str:
    """The held files by cause and device, and a page of the list."""
    chosen, after = Filter.of(request.args), _after()
    found = _items().listed(chosen, after=after, most=PAGE + 1)
    return render_template(
        "held_list.html",
        chosen=chosen,
        groups=_items().groups(),
        items=found[:PAGE],
        has_more=len(found) > PAGE,
        decisions=_items().decisions_of(current_user().name),
    )


@blueprint.get("/<int:item_id>")
@allowed("reviewer")
def one(item_id: int) -> str | AnyResponse:
    """One held file: its pictures, what was found, and the forms to decide."""
    items, chosen, who = _items(), Filter.of(request.args), current_user().name
    item = items.one(item_id)
    if item is None:
        return _to_next(item_id, chosen)
    following = items.next_after(item_id, chosen, most=_AHEAD)
    frame = min(max(1, request.args.get("frame", item.original.first_frame, int)), _MOST_FRAMES)
    drawn = ports().held_pictures.frame(item.original, frame)
    ports().held_pictures.draw_ahead([each.original for each in following])
    return render_template(
        "held_item.html",
        item=item,
        chosen=chosen,
        drawn=drawn,
        frame=frame,
        boxes=item.boxes_of(frame),
        window=read_window(request.args),
        left=items.number(chosen),
        alike=items.number(Filter(item.cause, item.device)),
        next_id=following[0].id if following else None,
        previous_id=items.previous(item_id, chosen),
        reason=items.last_reason(who),
        decisions=items.decisions_of(who),
    )


@blueprint.get("/<int:item_id>/frames/<int:number>.png")
@allowed("reviewer")
def picture(item_id: int, number: int) -> Response:
    """The picture of a frame; the audit has its row before a byte is sent."""
    item = _items().one(item_id) or abort(404, "The item is no longer held.")
    if not 1 <= number <= _MOST_FRAMES:
        abort(404, "The file has no such frame.")
    event = AuditEvent(current_user().name, "page", "view held picture", item_id=item.id, frame=number)
    record_alone(ports().database, event)
    drawn = ports().held_pictures.frame(item.original, number, read_window(request.args))
    return _png(drawn.pictures.get(number), drawn.cause)


@blueprint.get("/<int:item_id>/thumbnail.png")
@allowed("reviewer")
def thumbnail(item_id: int) -> Response:
    """A small picture for a contact sheet; the sheet itself has the row in the audit."""
    item = _items().one(item_id) or abort(404, "The item is no longer held.")
    if _items().unseen(current_user().name, [item.id]):
        abort(403, "Open the contact sheet with this picture.")
    drawn = ports().held_pictures.thumbnail(item.original)
    return _png(drawn.pictures.get(item.original.first_frame), drawn.cause)


@blueprint.post("/<int:item_id>/decision")
@allowed("reviewer")
def decide(item_id: int) -> AnyResponse:
    """Store a decision about one file, and go to the next one."""
    form = DecisionForm.of(request.form)
    _decide(item_id, form)
    return _to_next(item_id, Filter.of(request.form))


@blueprint.post("/<int:item_id>/undo")
@allowed("reviewer")
def undo(item_id: int) -> AnyResponse:
    """Take back a decision that was not carried out yet, and show the file again."""
    with ports().database.session() as connection:
        is_undone = pending.undo(connection, item_id, who=current_user().name)
    if not is_undone:
        abort(409, f"The decision about item {item_id} is carried out already, or is not yours.")
    return _redirect("held.one", Filter.of(request.form), item_id=item_id)


@blueprint.get("/sheet")
@allowed("reviewer")
def sheet() -> str:
    """A contact sheet of files with one cause or device, and the form to decide about all of them."""
    chosen, after = Filter.of(request.args), _after()
    if not chosen.query:
        abort(400, "Choose a cause or a device first.")
    found = _items().listed(chosen, after=after, most=SHEET + 1)
    shown = found[:SHEET]
    with ports().database.transaction() as cursor:
        event = AuditEvent(current_user().name, "page", "view contact sheet")
        record_views(cursor, event, [item.id for item in shown])
    return render_template(
        "held_sheet.html",
        chosen=chosen,
        items=shown,
        has_more=len(found) > SHEET,
        left=_items().number(chosen),
        reason=_items().last_reason(current_user().name),
    )


@blueprint.post("/sheet/decision")
@allowed("reviewer")
def decide_all() -> AnyResponse:
    """Store one decision about all files of a contact sheet that were not left out."""
    form, failed = DecisionForm.of(request.form), []
    given = [value for value in request.form.getlist("item") if value.isdecimal() and len(value) <= 18]
    numbers = list(map(int, given[:SHEET]))
    if not numbers:
        abort(400, "No picture is chosen.")
    for number in numbers:
        since = request.form.get(f"held_since_{number}", "")
        try:
            _decide(number, form.with_moment(since))
        except ConflictError:
            failed.append(number)
    if failed:
        told = ", ".join(map(str, failed))
        abort(
            409,
            f"Another person decided about {told} meanwhile, or it was read again; the others are decided.",
        )
    return _redirect("held.listing", Filter.of(request.form))


def _decide(item_id: int, form: DecisionForm) -> None:
    who = current_user().name
    if _items().unseen(who, [item_id]):
        abort(409, f"Look at item {item_id} before you decide about it.")
    with ports().database.session() as connection:
        pending.decide(
            connection,
            pending.SeenItem(item_id, form.held_since),
            form.decision,
            who=who,
            why=form.why,
            blank=form.blank,
        )


def _to_next(item_id: int, chosen: Filter) -> AnyResponse:
    following: list[HeldItem] = _items().next_after(item_id, chosen)
    if not following:
        return _redirect("held.listing", chosen)
    return _redirect("held.one", chosen, item_id=following[0].id)


def _redirect(endpoint: str, chosen: Filter, **values: Any) -> AnyResponse:
    query: dict[str, Any] = {**values, **chosen.query}
    return redirect(url_for(endpoint, **query), code=303)


def _png(body: bytes | None, cause: str | None) -> Response:
    if body is None:
        abort(404, cause or "The file has no such frame.")
    return Response(body, content_type="image/png")
