"""The commands about verdicts and the quality model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from model.judgement import Judge


def _judge_options(command: Command) -> Command:
    threshold = click.option(
        "--threshold",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        help="Default: DCM2SET_QUALITY_THRESHOLD, or the model's own.",
    )
    path = click.option(
        "--model",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Default: DCM2SET_MODEL_PATH, or the model that is shipped.",
    )
    return threshold(path(command))


@click.group()
def quality() -> None:
    """Preview, apply or overrule verdicts."""


@quality.command()
@home_option
@_judge_options
@json_option
def preview(home: Home, threshold: float | None, path: Path | None, as_json: bool) -> None:
    """Show which images another threshold or model would move, in both directions; nothing is moved."""
    from infra.quality.moved_images import judged_images
    from infra.quality.quality_review import judged_again

    judge = _judge(threshold, path)
    with connected(home) as (connection, store):
        judged = judged_images(judged_again(connection, store, judge))
    print_result(judged.moved, lambda _: judged.text("would move", judge), as_json=as_json)


@quality.command(name="apply")
@home_option
@_judge_options
@json_option
def apply_command(home: Home, threshold: float | None, path: Path | None, as_json: bool) -> None:
    """Judge all images by another threshold or model, and move them accordingly.

    The function quality judges new images by its own settings: also set DCM2SET_QUALITY_THRESHOLD or
    DCM2SET_MODEL_PATH.
    """
    from infra.quality.moved_images import judged_images
    from infra.quality.quality_review import apply_all

    judge = _judge(threshold, path)
    with connected(home) as (connection, store):
        judged = judged_images(apply_all(connection, store, judge))
    print_result(judged.moved, lambda _: judged.text("moved", judge), as_json=as_json)


@quality.command(name="set")
@home_option
@click.argument("image")
@click.argument("verdict", type=click.Choice(["good", "low_quality"]))
@decision_options(why="Why this is the verdict; stored with your name.")
def set_verdict(home: Home, image: str, verdict: Any, why: str, who: str) -> None:
    """Set the verdict of IMAGE yourself; it overrules every model.

    IMAGE is a key, s3://BUCKET/KEY or <SOP Instance UID>/<frame>.
    """
    from infra.quality.quality_review import apply, overrule

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


def _judge(threshold: float | None, path: Path | None) -> "Judge":
    from common.settings import load_settings
    from model.artefact import DEFAULT_MODEL, load_quality_model
    from model.judgement import Judge

    settings = load_settings()
    model = load_quality_model(path or settings.model_path or DEFAULT_MODEL)
    return Judge(model, settings.black_mean, threshold or settings.quality_threshold or model.threshold)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("model"), show_default=True)
@click.option("--good", type=EXISTING_FOLDER, help="Folder with good images of your own.")
@click.option("--bad", type=EXISTING_FOLDER, help="Folder with low-quality images of your own.")
@click.option("--weight", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
def train(out: Path, good: Path | None, bad: Path | None, weight: float) -> None:
    """Train the quality model on real images from packages, and write it with its model card.

    Images of your own (PNG or DICOM) are added with the weight --weight. All files of a subfolder count as
    one patient, and so do files whose names are equal up to the first _ or the first dot.
    """
    from model.training.train import train as train_model

    out.mkdir(parents=True, exist_ok=True)
    card = train_model(out, progress=click.echo, good=good, bad=bad, weight=weight)
    click.echo(orjson.dumps(card, option=orjson.OPT_INDENT_2, default=str))
