"""The JSON API: only for reading, with the sessions and the rights of the page."""

from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, abort, request

from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.api import api_rows
from functions.review.sets.set_rows import listed

blueprint = Blueprint("api", __name__, url_prefix="/api")
_DOCUMENT = Path(__file__).with_name("openapi.json")
_MOST, _USUAL = 1000, 100  # items of one answer
_LARGEST = 2**63 - 1


@blueprint.get("/openapi.json")
@allowed()
def document() -> Response:
    """The description of this API, in OpenAPI 3.1."""
    return Response(_DOCUMENT.read_bytes(), content_type="application/json")


@blueprint.get("/overview")
@allowed()
def overview() -> Response:
    """Where everything is."""
    return _json(api_rows.overview(ports().database))


@blueprint.get("/held")
@allowed("reviewer")
def held() -> Response:
    """The held items, as numbers."""
    return _json(api_rows.items_aside(ports().database, "held", **_part()))


@blueprint.get("/quarantine")
@allowed()
def quarantine() -> Response:
    """The quarantined items, as numbers."""
    return _json(api_rows.items_aside(ports().database, "quarantine", **_part()))


@blueprint.get("/quality")
@allowed()
def quality() -> Response:
    """The verdicts of the models by week and modality."""
    return _json(api_rows.quality(ports().database))


@blueprint.get("/sets")
@allowed()
def sets() -> Response:
    """The frozen versions of training sets."""
    after = (request.args.get("after", "").replace("\0", ""), _number("version", 0, 2**31 - 1))
    most = max(1, _number("most", _USUAL, _MOST))
    found = listed(ports().database, after, most=most + 1)
    last = found[most - 1] if len(found) > most else None
    following = None if last is None else {"after": last["name"], "version": last["version"]}
    return _json({"versions": found[:most], "next": following})


@blueprint.get("/items/<int:item_id>")
@allowed()
def item(item_id: int) -> Response:
    """One item of the ledger with its attempts."""
    found = api_rows.item(ports().database, min(item_id, _LARGEST))
    return _json(found or abort(404, f"There is no item {item_id}."))


def _part() -> dict[str, int]:
    """The part of a list that is asked for."""
    return {"after": _number("after", 0, _LARGEST), "most": max(1, _number("most", _USUAL, _MOST))}


def _number(name: str, usual: int, largest: int) -> int:
    """A whole number in the query of the address."""
    text = request.args.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        abort(400, f"{name} is a whole number from 0 on.")
    return min(int(text), largest)


def _json(body: Any) -> Response:
    """Sums of the database are exact decimals, which JSON has not."""
    data = orjson.dumps(body, default=float, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
    return Response(data, content_type="application/json")
