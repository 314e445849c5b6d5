"""The pages of labels: their numbers, and the images on which readers differ."""

from bisect import bisect_right
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask.blueprints import BlueprintSetupState

from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user
from functions.review.labels.counted_labels import MOST_DIFFERING, Counted, CountedLabels
from oversight.labels.label_overview import read_differing

blueprint = Blueprint("labels", __name__, url_prefix="/labels")
_NAME = "dcm2set labels"
_PAGE = 24  # images of one page


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions[_NAME] = CountedLabels()


def _counted() -> Counted | None:
    labels: CountedLabels = current_app.extensions[_NAME]
    return labels.newest(ports().database)


@blueprint.get("/")
@allowed()
def page() -> str:
    """Each label with its numbers and the agreement of its readers."""
    return render_template("labels.html", counted=_counted())


@blueprint.get("/<int:label_id>")
@allowed()
def differing(label_id: int) -> str:
    """The images on which the readers of a label differ, side by side with what each of them said."""
    after, counted = request.args.get("after", 0, int), _counted()
    if counted is None:
        return render_template("labels.html", counted=None)
    label = next((each for each in counted.numbers.labels if each["id"] == label_id), None)
    if label is None:
        abort(404, "There is no such label.")
    known = counted.numbers.differing.get(label_id, [])
    first = bisect_right(known, after)
    chosen = known[first : first + _PAGE]
    with ports().database.snapshot() as connection:
        images = read_differing(connection, label_id, chosen) if chosen else []
    return render_template(
        "label_conflicts.html",
        label=label,
        images=images,
        next_after=chosen[-1] if len(known) > first + _PAGE else None,
        is_first=first == 0,
        most=MOST_DIFFERING,
        reader=_reader,
        reading=_reading,
    )


def _reader(reading: dict[str, Any]) -> str:
    """The name of a reader; only reviewers see names."""
    if current_user().has("reviewer") and reading["name"]:
        return str(reading["name"])
    return f"reader {reading['annotator']}"


def _reading(value: float) -> str:
    """A value in words, with the probability if it is one."""
    word = "uncertain" if value < 0 else "present" if value >= 0.5 else "absent"
    return word if value in {-1, 0, 1} else f"{word} ({value:.3g})"
