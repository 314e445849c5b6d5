"""The pages of erasures: the list, the form with what would be removed, and the withdrawal.

A pseudonym is in a form or a page, and in no address.
"""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from common.errors import ConflictError
from functions.review.access.form_fields import read_reason
from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from oversight.erasure.erasure_text import found_lines, left_lines
from oversight.erasure.extent import extent_of, patient_of
from oversight.erasure.requests import EXPECTED, PAGE, PSEUDONYM, ask, listed, withdraw

blueprint = Blueprint("erasures", __name__, url_prefix="/erasures")
_UNKNOWN = "The patient of this item is not known, or was erased."
_OTHER = "This is not the patient's pseudonym: type the one that this page shows."
_LATE = "It is being carried out already, or was withdrawn."


@blueprint.get("/")
@allowed("operator")
def page() -> str:
    """The erasures that were asked for, the newest first, and the form to ask for one by pseudonym."""
    return _listing()


@blueprint.get("/of/<int:item>")
@allowed("operator")
def of_item(item: int) -> str:
    """The form to erase the patient of an item."""
    with ports().database.snapshot() as connection:
        patient = patient_of(connection, item)
    return _form(patient or abort(404, _UNKNOWN))


@blueprint.post("/of")
@allowed("operator")
def of_patient() -> str | tuple[str, int]:
    """The form to erase the patient of a pseudonym, of whom nothing need be known yet."""
    patient = request.form.get("patient", "").strip()
    if not PSEUDONYM.fullmatch(patient):
        return _listing(fault=EXPECTED), 400
    return _form(patient)


@blueprint.post("/ask")
@allowed("operator")
def asked() -> AnyResponse | tuple[str, int]:
    """Ask for the erasure of a patient whose pseudonym was typed."""
    patient, typed = request.form.get("patient", ""), request.form.get("typed", "").strip()
    why = read_reason(request.form, "erasure")
    if not PSEUDONYM.fullmatch(patient):
        abort(400, EXPECTED)
    if typed != patient:
        return _form(patient, why=why, fault=_OTHER), 400
    with ports().database.session() as connection:
        ask(connection, patient, who=current_user().name, why=why)
    return redirect(url_for("erasures.page"), code=303)


@blueprint.post("/<int:number>/withdraw")
@allowed("operator")
def withdrawn(number: int) -> AnyResponse:
    """Withdraw an erasure that was not begun yet."""
    with ports().database.session() as connection:
        if not withdraw(connection, number, who=current_user().name):
            raise ConflictError(f"Erasure {number} can't be withdrawn. {_LATE}")
    return redirect(url_for("erasures.page"), code=303)


def _listing(fault: str | None = None) -> str:
    before = request.args.get("before", None, int)
    with ports().database.snapshot() as connection:
        found = listed(connection, before=before, most=PAGE + 1)
    shown = [
        (each, found_lines(each.erasure) + left_lines(each.erasure) if each.erasure else [])
        for each in found[:PAGE]
    ]
    # The newest one of each patient; what failed before may have been done since.
    newest = {each.patient_id: each.id for each in reversed(found[:PAGE]) if each.withdrawn_at is None}
    return render_template(
        "erasures.html",
        requests=shown,
        newest=newest.values(),
        has_more=len(found) > PAGE,
        is_first=before is None,
        is_moving=any(each.is_open for each, _ in shown),
        seconds=ports().settings.undo_seconds,
        fault=fault,
    )


def _form(patient: str, *, why: str = "", fault: str | None = None) -> str:
    with ports().database.snapshot() as connection:
        extent = extent_of(connection, patient)
    return render_template(
        "erasure_form.html",
        patient=patient,
        extent=extent,
        why=why,
        seconds=ports().settings.undo_seconds,
        fault=fault,
    )
