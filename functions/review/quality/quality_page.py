"""The pages about verdicts: images near the limits, overruling, distributions of scores, weeks."""

from threading import Lock
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from common.errors import SettingsError, TransientError
from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.quality.nearest_images import ALL, PAGE, VERDICTS, Filter, NearestImages, Position
from functions.review.quality.overruling_form import OverrulingForm
from functions.review.quality.score_numbers import MOST, OtherLimits, read_distributions, with_limits
from functions.review.quality.week_numbers import read_weeks
from model.limits import Limits
from oversight.decisions.overruling import apply, overrule
from oversight.drift.newest_week import read_drift

blueprint = Blueprint("quality", __name__, url_prefix="/quality")
# Two moves of one image at the same moment could disagree about its bucket.
_moves = Lock()
_MISTAKE = "A mistake."  # the reason of a person who takes back what was overruled last


@blueprint.get("/")
@allowed()
def gallery() -> str:
    """The images whose scores are nearest to the threshold; first those that wait for a person."""
    images, chosen, after = (
        NearestImages(ports().database),
        Filter.of(request.args),
        Position.of(request.args),
    )
    modalities = images.modalities()
    found = images.listed(chosen, modalities, after=after, most=PAGE + 1)
    shown = found[:PAGE]
    last = Position(shown[-1]["nearness"], shown[-1]["uid"], shown[-1]["frame"]) if shown else after
    is_reviewer = current_user().has("reviewer")
    overruled = images.overruled_by(current_user().name) if is_reviewer else []
    return render_template(
        "quality_gallery.html",
        chosen=chosen,
        after=after,
        verdicts=(*VERDICTS, ALL),
        modalities=modalities,
        images=shown,
        next_page=chosen.query | last.query if len(found) > PAGE else None,
        waiting=images.waiting(chosen, modalities),
        is_reviewer=is_reviewer,
        overruled=overruled,
        reason=next((each["why"] for each in overruled if each["why"] != _MISTAKE), ""),
        mistake=_MISTAKE,
    )


@blueprint.post("/<uid>/<int:frame>/verdict")
@allowed("reviewer")
def set_verdict(uid: str, frame: int) -> AnyResponse:
    """Overrule the verdict on an image, move it if need be, and go on with the next one."""
    name = f"{uid}/{frame}"
    form = OverrulingForm.of(request.form, name)
    with _moves, ports().database.session() as connection:
        who = current_user().name
        change = overrule(connection, name, form.verdict, who=who, why=form.why, via="page", seen=form.seen)
        try:
            if change is not None:
                apply(connection, ports().store, change)
        except TransientError as error:
            raise TransientError(
                f"The verdict is stored, but not carried out: {error} Load the page again, and repeat it."
            ) from error
    query: dict[str, Any] = {**Filter.of(request.form).query, **Position.of(request.form).query}
    anchor = request.args.get("next") or None
    return redirect(url_for("quality.gallery", **query, _anchor=anchor), code=303)


@blueprint.get("/scores")
@allowed()
def scores() -> str:
    """The distribution of scores by modality, and what other limits would change."""
    limits, modality = _asked_limits(), Filter.of(request.args).modality
    with ports().database.snapshot() as connection:
        distributions = read_distributions(connection)
        other: OtherLimits | None = with_limits(connection, limits, modality) if limits else None
    return render_template(
        "quality_scores.html",
        distributions=distributions,
        verdicts=VERDICTS,
        other=other,
        modality=modality,
        most=MOST,
    )


@blueprint.get("/weeks")
@allowed()
def weeks() -> str:
    """The shares of rejected images and of those in review by week, and what has drifted."""
    fault = None
    with ports().database.snapshot() as connection:
        found = read_weeks(connection)
        try:
            drift = read_drift(connection)
        except SettingsError as error:
            drift, fault = [], str(error)
    return render_template("quality_weeks.html", modalities=found, drift=drift, fault=fault)


def _asked_limits() -> Limits | None:
    """The limits in the query of the address; None if there are none."""
    if not request.args.get("review_from"):
        return None
    try:
        review_from = float(request.args["review_from"])
        reject_from = float(request.args.get("reject_from") or "inf")
        return Limits(review_from, reject_from)
    except ValueError:
        abort(
            400,
            "A limit is a number over 0; images are rejected from the same score as review, or a higher one.",
        )
