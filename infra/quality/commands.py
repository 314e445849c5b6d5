"""The commands about verdicts and the quality model."""

from pathlib import Path
from typing import Any

import click
import orjson

from infra.command_options import (
    EXISTING_FOLDER,
    NEW_FOLDER,
    Command,
    connected,
    decision_options,
    home_option,
    json_option,
    print_result,
)
from infra.local.home import Home
from infra.quality.calibration_commands import calibrate, drift, sample

_SCORE = click.FloatRange(0, 1, min_open=True, max_open=True)
VERDICTS = ("review", "low_quality", "black", "good")


def _judge_options(command: Command) -> Command:
    threshold = click.option(
        "--threshold",
        type=_SCORE,
        help="Images of this score are of low quality. Default: DCM2SET_QUALITY_THRESHOLD, or the model's.",
    )
    review_from = click.option(
        "--review-from",
        type=_SCORE,
        help="Images of this score wait for a person. Default: DCM2SET_QUALITY_REVIEW_FROM, or the model's.",
    )
    path = click.option(
        "--model",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Default: DCM2SET_MODEL_PATH, or the model that is shipped.",
    )
    return threshold(review_from(path(command)))


@click.group()
def quality() -> None:
    """List, preview, apply or overrule verdicts."""


@quality.command()
@home_option
@_judge_options
@json_option
def preview(home: Home, as_json: bool, **options: Any) -> None:
    """Show which images other limits or another model would move or put in review; nothing is changed."""
    from infra.quality.chosen_judge import chosen_judge
    from infra.quality.moved_images import judged_images
    from infra.quality.quality_review import judged_again

    judge = chosen_judge(**options)
    with connected(home) as (connection, store):
        judged = judged_images(judged_again(connection, store, judge))
    print_result(judged.moved, lambda _: judged.text(judge, is_applied=False), as_json=as_json)


@quality.command(name="apply")
@home_option
@_judge_options
@json_option
def apply_command(home: Home, as_json: bool, **options: Any) -> None:
    """Judge all images by other limits or another model, and move them accordingly.

    The function quality judges new images by its own settings: also set DCM2SET_QUALITY_THRESHOLD,
    DCM2SET_QUALITY_REVIEW_FROM or DCM2SET_MODEL_PATH. Calibrated limits of a modality are valid for both.
    """
    from infra.quality.chosen_judge import chosen_judge
    from infra.quality.moved_images import judged_images
    from infra.quality.quality_review import apply_all

    judge = chosen_judge(**options)
    with connected(home) as (connection, store):
        judged = judged_images(apply_all(connection, store, judge))
    print_result(judged.moved, lambda _: judged.text(judge, is_applied=True), as_json=as_json)


@quality.command(name="list")
@home_option
@click.option("--verdict", type=click.Choice(VERDICTS), default="review", show_default=True)
@click.option("--modality", metavar="CODE", help="Only images of this modality, for example CT.")
@click.option(
    "-n", "most", type=click.IntRange(1), default=50, show_default=True, help="List at most so many."
)
@json_option
def list_images(home: Home, verdict: str, modality: str | None, most: int, as_json: bool) -> None:
    """List the images that wait for a person's review, or those of another verdict, with reasons."""
    from infra.quality.listed_images import listed_images

    with connected(home) as (connection, _):
        listed = listed_images(connection, verdict, modality, most)
    print_result(listed.images, lambda _: listed.text, as_json=as_json)


@quality.command(name="set")
@home_option
@click.argument("image")
@click.argument("verdict", type=click.Choice(["good", "low_quality"]))
@decision_options(why="Why this is the verdict; stored with your name.")
def set_verdict(home: Home, image: str, verdict: Any, why: str, who: str) -> None:
    """Set the verdict of IMAGE yourself; it overrules every model.

    IMAGE is a key, s3://BUCKET/KEY or <SOP Instance UID>/<frame>.
    """
    from oversight.decisions.overruling import apply, overrule

    with connected(home) as (connection, store):
        change = overrule(connection, image, verdict, who=who, why=why)
        if change is not None:
            apply(connection, store, change)
    where = (
        "It takes effect once the image is checked."
        if change is None
        else f"The image lies in {change.bucket}."
    )
    click.echo(f"Stored the verdict. {where}")


@quality.command(name="overruled")
@home_option
@click.option("--out", type=NEW_FOLDER, required=True, help="Folder to write to.")
def overruled_images(home: Home, out: Path) -> None:
    """Write the images whose verdict a person has set, for dcm2set train.

    Use them with: dcm2set train --good OUT/good --bad OUT/low_quality
    """
    from infra.quality.quality_review import write_overruled

    with connected(home) as (connection, store):
        written = write_overruled(connection, store, out)
    click.echo(f"{written['good']} good and {written['low_quality']} low-quality image(s) written.")


quality.add_command(calibrate)
quality.add_command(sample)
quality.add_command(drift)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("model"), show_default=True)
@click.option("--good", type=EXISTING_FOLDER, help="Folder with good images of your own.")
@click.option("--bad", type=EXISTING_FOLDER, help="Folder with low-quality images of your own.")
@click.option("--weight", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
@click.option("--modality", default="", help="DICOM modality code of your images, if they have the same.")
@click.option(
    "--may-reject",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.005,
    show_default=True,
    help="Share of clean images that may be rejected.",
)
@click.option(
    "--may-review",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.03,
    show_default=True,
    help="Share of clean images that may be in review.",
)
def train(
    out: Path,
    good: Path | None,
    bad: Path | None,
    weight: float,
    modality: str,
    may_reject: float,
    may_review: float,
) -> None:
    """Train the quality model on real images from packages, and write it with its model card.

    Images of your own (PNG or DICOM) are added with the weight --weight. All files of a subfolder count as
    one patient, and so do files whose names are equal up to the first _ or the first dot. With --modality
    the model knows this modality, also if the packages have none of it. The same images give the same model,
    byte for byte, on every x86-64 processor.
    """
    from model.training.same_arithmetic import use_same_arithmetic

    use_same_arithmetic()
    from model.training.chosen_limits import Cost
    from model.training.sources.site_pictures import SitePictures
    from model.training.train import train as train_model

    out.mkdir(parents=True, exist_ok=True)
    site = SitePictures(good, bad, weight, modality)
    card = train_model(out, progress=click.echo, site=site, cost=Cost(may_reject, may_review))
    click.echo(orjson.dumps(card, option=orjson.OPT_INDENT_2, default=str))
