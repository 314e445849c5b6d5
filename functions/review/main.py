"""review: the page on which persons see where everything is, look at what is held, and decide.

Trigger   a browser; a timer (POST), which carries out decisions that can no longer be undone
Reads     rows of the ledger and of images; de-identified images; originals that are held
Writes    decisions, verdicts of persons, the audit; moves what was decided
Errors    a page that says what to do; a picture that can't be drawn is told with its cause
"""

from collections.abc import Mapping
from functools import cache

from flask import Flask, Request
from werkzeug.wrappers import Response

from common import wiring
from common.http.http_target import Target, respond
from common.process.work_folder import remove_left
from common.settings import settings
from functions.review.access.ports import Ports
from functions.review.page import create_page, is_for_page, page_response
from functions.review.pictures.held_pictures import HeldPictures
from oversight.decisions.pending import carry_out


def review(request: Request) -> Response:
    """The HTTP target."""
    if is_for_page(request):
        return page_response(request, _page)
    return respond(request, _target)


@cache
def _page() -> Flask:
    config, store, database = settings(), wiring.object_store(), wiring.database()
    return create_page(Ports(store, database, config, HeldPictures(store, config)))


@cache
def _target() -> Target:
    config, store, database = settings(), wiring.object_store(), wiring.database()

    def run() -> Mapping[str, object]:
        remove_left()  # originals of a killed worker must not wait until somebody opens a picture
        with database.session() as connection:
            number = carry_out(connection, store, after_seconds=config.undo_seconds)
        return {"status": "done", "decisions": number}

    return Target("review", wiring.tokens(), on_run=run, checks=wiring.checks())
