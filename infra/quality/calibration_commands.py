"""The commands that compare the quality model with a site's own pictures: calibrate, sample, drift."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from infra.command_options import (
    Command,
    connected,
    home_option,
    json_option,
    print_result,
    who_option,
    why_option,
)
from infra.local.home import Home

if TYPE_CHECKING:
    import psycopg


def _rate_options(command: Command) -> Command:
    rate = click.FloatRange(0, 0.5, min_open=True)
    rejected = click.option(
        "--reject-rate",
        type=rate,
        default=0.005,
        show_default=True,
        help="Greatest share of good pictures to reject.",
    )
    in_review = click.option(
        "--review-rate",
        type=rate,
        default=0.03,
        show_default=True,
        help="Greatest share of good pictures to have in review besides.",
    )
    return rejected(in_review(command))


@click.command()
@home_option
@click.option("--modality", metavar="CODE", help="Only this modality, for example CT; otherwise each.")
@_rate_options
@click.option("--apply", "is_applied", is_flag=True, help="Store the limits; they are valid at once.")
@click.option("--forget", "is_forgotten", is_flag=True, help="Let the model's own limits be valid again.")
@why_option(help_text="Why; stored with your name. Needed by --apply and --forget.")
@who_option
@json_option
def calibrate(
    home: Home,
    *,
    modality: str | None,
    reject_rate: float,
    review_rate: float,
    as_json: bool,
    **decision: Any,
) -> None:
    """Compute limits of the score from the verdicts of persons, by modality, and show what they would change.

    The limits are valid for the model of the settings only. The rates are kept on average, if new pictures
    come from the same devices and kinds of patients.
    """
    from infra.quality.calibration import calibrations, store_calibration
    from infra.quality.calibration_text import calibration_text
    from infra.quality.chosen_judge import chosen_judge
    from infra.quality.conformal import Rates

    is_applied, is_forgotten = decision.pop("is_applied"), decision.pop("is_forgotten")
    if is_applied and is_forgotten:
        raise click.UsageError("--apply and --forget exclude one another.")
    if (is_applied or is_forgotten) and not decision["why"]:
        raise click.UsageError("--apply and --forget need --why.")
    judge, rates = chosen_judge(), Rates(reject_rate, review_rate)
    with connected(home) as (connection, _):
        if is_forgotten:
            click.echo(_forget(connection, judge.model.version, modality, **decision))
            return
        found = calibrations(connection, judge, rates, modality)
        for each in found if is_applied else ():
            store_calibration(connection, each, **decision)
    print_result(
        [asdict(each) for each in found],
        lambda _: calibration_text(found, rates, is_stored=is_applied),
        as_json=as_json,
    )


def _forget(
    connection: "psycopg.Connection[Any]", version: str, modality: str | None, *, who: str, why: str
) -> str:
    """Make the limits of a modality, or of all, invalid; returns what to print."""
    from infra.quality.site_limits import site_limits, store_site_limits

    known = [code for code in site_limits(connection, version) if modality in {None, code}]
    for code in known:
        store_site_limits(connection, code, version, None, patients=0, who=who, why=why)
    if not known:
        return "No limits were stored, so those of the model are valid."
    return f"The model's own limits are valid again: {', '.join(sorted(known))}."


@click.command()
@home_option
@click.option("--modality", metavar="CODE", required=True, help="For example CT.")
@click.option(
    "-n", "number", type=click.IntRange(1), default=200, show_default=True, help="Patients to draw."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws other pictures.")
@json_option
def sample(home: Home, modality: str, number: int, seed: int, as_json: bool) -> None:
    """Draw random pictures to decide about, one for each patient, as a fair base for calibrate."""
    from infra.quality.calibration import sample as draw
    from infra.quality.calibration_text import sample_text

    with connected(home) as (connection, _):
        images = draw(connection, modality, number, seed)
    print_result(images, lambda _: sample_text(images), as_json=as_json)


@click.command()
@home_option
@json_option
def drift(home: Home, as_json: bool) -> None:
    """Show whether this week's scores, verdicts and features differ from training or the weeks before."""
    from oversight.drift.drift_text import drift_text
    from oversight.drift.newest_week import read_drift

    with connected(home) as (connection, _):
        found = read_drift(connection)
    print_result([asdict(each) for each in found], lambda _: drift_text(found), as_json=as_json)
