"""Commands about verdicts: what another threshold or model would move, and what a person says."""

import getpass
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
import psycopg

from common.settings import load_settings
from common.store.object_store import ObjectStore
from infra.command_options import Command, home_option, operator_store
from infra.local.home import Home, read_endpoints
from infra.quality.quality_review import Change, apply, judged_again, overruled, write_overruled
from model.artefact import DEFAULT_MODEL, load_quality_model
from model.judgement import Judge

_MOST_LISTED = 50


def _judge_options(command: Command) -> Command:
    threshold = click.option(
        "--threshold", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Else the model's own."
    )
    path = click.option(
        "--model", "path", type=click.Path(path_type=Path, dir_okay=False), help="Another model."
    )
    return threshold(path(command))


_json_option = click.option("--json", "as_json", is_flag=True, help="For scripts.")


@click.group()
def quality() -> None:
    """Look at verdicts again: preview, apply, overrule."""


@quality.command()
@home_option
@_judge_options
@_json_option
def preview(folder: Path, threshold: float | None, path: Path | None, as_json: bool) -> None:
    """Tell what would move, in both directions, by another threshold or model; nothing moves."""
    endpoints = read_endpoints(Home(folder.resolve()))
    judge = _judge(threshold, path)
    with psycopg.connect(endpoints["database_url"]) as connection:
        moves = _Moves(judged_again(connection, operator_store(endpoints), judge))
    click.echo(moves.json() if as_json else moves.text("would move", judge))


@quality.command(name="apply")
@home_option
@_judge_options
@_json_option
def apply_command(folder: Path, threshold: float | None, path: Path | None, as_json: bool) -> None:
    """Judge all images by another threshold or model, and move them accordingly.

    New images go on being judged by the function's own: set DCM2SET_QUALITY_THRESHOLD or
    DCM2SET_MODEL_PATH too.
    """
    endpoints = read_endpoints(Home(folder.resolve()))
    judge, store = _judge(threshold, path), operator_store(endpoints)
    with psycopg.connect(endpoints["database_url"]) as connection:
        moves = _Moves(_applied(connection, store, judge))
    click.echo(moves.json() if as_json else moves.text("moved", judge))


@quality.command(name="set")
@home_option
@click.argument("image")
@click.argument("verdict", type=click.Choice(["good", "low_quality"]))
@click.option("--why", required=True, help="Why; kept with your name.")
@click.option("--who", default=getpass.getuser, show_default="your user name")
def set_verdict(folder: Path, image: str, verdict: Any, why: str, who: str) -> None:
    """Say yourself what IMAGE is: a key, or <SOP Instance UID>/<frame>. It wins over any model."""
    endpoints = read_endpoints(Home(folder.resolve()))
    with psycopg.connect(endpoints["database_url"]) as connection:
        change = overruled(connection, image, verdict, who=who, why=why)
        if change is not None:
            apply(connection, operator_store(endpoints), change)
    where = "It will hold once the image is checked." if change is None else f"It lies in {change.bucket}."
    click.echo(f"Kept. {where}")


@quality.command(name="overruled")
@home_option
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to."
)
def overruled_images(folder: Path, out: Path) -> None:
    """Write the images that persons decided on: train --good OUT/good --bad OUT/low_quality."""
    endpoints = read_endpoints(Home(folder.resolve()))
    with psycopg.connect(endpoints["database_url"]) as connection:
        written = write_overruled(connection, operator_store(endpoints), out)
    click.echo(f"{written['good']} good and {written['low_quality']} low-quality image(s) written.")


def _judge(threshold: float | None, path: Path | None) -> Judge:
    settings = load_settings()
    model = load_quality_model(path or settings.model_path or DEFAULT_MODEL)
    return Judge(model, settings.black_mean, threshold or settings.quality_threshold or model.threshold)


@dataclass(frozen=True)
class _Move:
    """What is told of an image that moves."""

    key: str
    modality: str | None
    bucket: str
    to: str
    verdict: str
    score_before: float
    score: float
    reasons: tuple[str, ...]


class _Moves:
    """What moves of all that is judged; the rest is only counted."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.judged = 0
        self.found: list[_Move] = []
        for change in changes:
            self.judged += 1
            if change.moves:
                self.found.append(_move(change))

    def json(self) -> bytes:
        """All of them."""
        return orjson.dumps(self.found, option=orjson.OPT_INDENT_2)

    def text(self, verb: str, judge: Judge) -> str:
        lines = [
            f"Model {judge.model.version}, threshold {judge.threshold:g}: {self.judged} image(s) judged."
        ]
        for back, words in ((False, f"{verb} to suboptimal"), (True, f"{verb} back to their place")):
            chosen = [move for move in self.found if (move.verdict == "good") is back]
            by_modality = Counter(move.modality or "?" for move in chosen)
            told = ", ".join(f"{modality} {number}" for modality, number in sorted(by_modality.items()))
            lines.append(f"{len(chosen)} {words}" + (f" ({told})" if told else ""))
            lines += map(_line, chosen[:_MOST_LISTED])
            if len(chosen) > _MOST_LISTED:
                lines.append(f"    and {len(chosen) - _MOST_LISTED} more; --json lists all")
        return "\n".join(lines)


def _move(change: Change) -> _Move:
    image, judgement = change.image, change.judgement
    return _Move(
        key=image.key,
        modality=image.modality,
        bucket=image.bucket,
        to=change.bucket,
        verdict=change.verdict,
        score_before=image.score,
        score=judgement.score if judgement else image.score,
        reasons=judgement.reasons if judgement else (),
    )


def _line(move: _Move) -> str:
    reasons = ", ".join(move.reasons)
    return f"    {move.key}: {move.score_before:.2f} to {move.score:.2f} {reasons}".rstrip()


def _applied(connection: psycopg.Connection[Any], store: ObjectStore, judge: Judge) -> Iterator[Change]:
    for change in judged_again(connection, store, judge):
        if apply(connection, store, change):
            yield change
