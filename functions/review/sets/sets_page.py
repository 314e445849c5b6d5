"""The pages of training sets: the frozen versions, a version with its card, and what differs."""

from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from common.errors import PermanentError
from functions.review.access.ports import ports
from functions.review.access.rights import allowed
from functions.review.sets.set_differences import find_differences
from functions.review.sets.set_files import FrozenFiles
from functions.review.sets.set_rows import MOST, find_version, listed, numbers_of

blueprint = Blueprint("sets", __name__, url_prefix="/sets")
_TYPES = {"README.md": "text/markdown; charset=utf-8", "card.json": "application/json"}
_PLOT = "plots/"
_PLOT_TEXTS = {
    "funnel": "From the archive to this set; the numbers are in the table above",
    "class-balance": "Class balance; the numbers are in the table of labels",
    "co-occurrence": "How often two labels occur together",
    "patients-by-split": "Patients by split; the card tells the numbers",
}


@blueprint.get("/")
@allowed()
def page() -> str:
    """The frozen versions of all training sets."""
    after = (request.args.get("after", ""), request.args.get("version", 0, int))
    found = listed(
        ports().database, (after[0].replace("\0", ""), min(max(after[1], 0), 2**31 - 1)), most=MOST + 1
    )
    return render_template("sets.html", versions=found[:MOST], has_more=len(found) > MOST)


@blueprint.get("/<name>/v<int:number>")
@allowed()
def version(name: str, number: int) -> str:
    """A version: how to cite it, its card, and the digests of its files."""
    row, fault, head, card = _row(name, number), "", None, None
    files = _files(row)
    try:
        head = files.head()
        card = files.card(head)
    except PermanentError as error:
        fault = str(error)
    plots = sorted(file for file in (head or {"files": ()})["files"] if file.startswith(_PLOT))
    return render_template(
        "set_version.html",
        version=row,
        head=head,
        card=card,
        fault=fault,
        others=[each for each in numbers_of(ports().database, name) if each != number],
        plots=[
            (file, _PLOT_TEXTS.get(file.removeprefix(_PLOT).removesuffix(".png"), file)) for file in plots
        ],
        downloads=_TYPES,
    )


@blueprint.get("/<name>/v<int:number>/files/<path:file>")
@allowed()
def frozen_file(name: str, number: int, file: str) -> Response:
    """The card as text or data, or one of its plots; files with a row for each image stay in the bucket."""
    files, is_plot = _files(_row(name, number)), file.startswith(_PLOT) and file.endswith(".png")
    if file not in _TYPES and not is_plot:
        abort(404, "Only the card and its plots are shown here.")
    head = files.head()
    if file not in head["files"]:
        abort(404, "The version has no such file.")
    answer = Response(files.read(file, head), content_type=_TYPES.get(file, "image/png"))
    if not is_plot:
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}-v{number}-{file}"'
    return answer


@blueprint.get("/<name>/differences")
@allowed()
def differences(name: str) -> str:
    """What differs between two versions, the older of them first."""
    numbers = [request.args.get(field, 0, int) for field in ("first", "second")]
    older, newer = (_row(name, number) for number in sorted(numbers))
    if older["number"] == newer["number"]:
        abort(400, "Choose two versions.")
    found: dict[str, Any] | None = None
    fault = ""
    try:
        found = find_differences(ports().store, older, newer)
    except PermanentError as error:
        fault = str(error)
    return render_template("set_differences.html", older=older, newer=newer, found=found, fault=fault)


def _row(name: str, number: int) -> dict[str, Any]:
    return find_version(ports().database, name.replace("\0", ""), max(0, number)) or abort(
        404, "There is no such version."
    )


def _files(row: dict[str, Any]) -> FrozenFiles:
    return FrozenFiles(ports().store, row["name"], row["number"], row["digest"])
