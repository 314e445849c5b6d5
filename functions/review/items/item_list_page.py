"""The page that lists items: where the numbers of the overview lead."""

from flask import Blueprint, abort, render_template, request

from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.items.item_list import PAGE, STATES, UNSETTLED, ItemFilter, listed, read_beyond

blueprint = Blueprint("item_list", __name__, url_prefix="/items/list")


@blueprint.get("/")
@allowed()
def page() -> str:
    """The items of a function in a state."""
    chosen = ItemFilter.of(request.args) or abort(400, "Choose a function and a state.")
    found = listed(ports().database, chosen, beyond=read_beyond(request.args), most=PAGE + 1)
    return render_template(
        "item_list.html",
        chosen=chosen,
        items=found[:PAGE],
        has_more=len(found) > PAGE,
        is_first="beyond" not in request.args,
        states=(*STATES, UNSETTLED),
    )
