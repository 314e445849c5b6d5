"""New verdicts by another threshold or another model, and the images that persons have decided."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from common.errors import ObjectMissingError
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from imaging.png.png_picture import decode_png
from infra.quality.site_limits import site_limits
from model.card import have_same_features
from model.features.image_features import FEATURE_NAMES
from model.judgement import Judge
from model.limits import Limits
from model.verdict import Judgement, Verdict
from oversight.decisions.overruling import Change, JudgedImage, apply, judged_images

_SQL = queries(Path(__file__).with_suffix(".sql"))
_MAX_PIXELS = 10**9


def judged_again(connection: psycopg.Connection[Any], store: ObjectStore, judge: Judge) -> Iterator[Change]:
    """Judge every checked image again; yields also images that do not move, and changes nothing.

    The stored features are used if they are those of the model; otherwise the image is read. Limits that the
    site has calibrated for the model are used.
    """
    site = site_limits(connection, judge.model.version)
    for image in judged_images(connection):
        own = site.get(image.modality or "")
        judgement = _judgement(image, store, judge, own)
        if judgement is not None:
            verdict = image.overruled or judgement.verdict
            yield Change(image, judgement, verdict, judge.limits(image.modality, own))


def apply_all(connection: psycopg.Connection[Any], store: ObjectStore, judge: Judge) -> Iterator[Change]:
    """Judge every checked image again, and apply the new verdicts; yields the applied changes."""
    for change in judged_again(connection, store, judge):
        if apply(connection, store, change):
            yield change


def write_overruled(
    connection: psycopg.Connection[Any], store: ObjectStore, folder: Path
) -> dict[Verdict, int]:
    """Write the overruled images below good/ and low_quality/, one folder per patient, for training."""
    written: dict[Verdict, int] = {"good": 0, "low_quality": 0}
    for row in connection.cursor(row_factory=dict_row).execute(_SQL["overruled"]).fetchall():
        body = store.read(store.stat(Location(row["bucket"], row["key"])))
        target = folder / row["verdict"] / row["patient_id"]
        target.mkdir(parents=True, exist_ok=True)
        instance, frame = row["key"].split("/")[-2:]
        (target / f"{instance}-{frame}").write_bytes(body)
        written[row["verdict"]] += 1
    return written


def _judgement(image: JudgedImage, store: ObjectStore, judge: Judge, site: Limits | None) -> Judgement | None:
    """Judge an image; None if it was moved or deleted meanwhile. A black one has no features: it is read."""
    if _are_of_the_model(image, judge):
        return judge.judge_features(image.features, image.mean_grey, modality=image.modality, site=site)
    try:
        body = store.read(store.stat(image.location))
    except ObjectMissingError:
        return None
    return judge.judge(decode_png(body, max_pixels=_MAX_PIXELS), modality=image.modality, site=site)


def _are_of_the_model(image: JudgedImage, judge: Judge) -> bool:
    """Whether the stored features are the model's: by name, and computed as by its release's features."""
    same = have_same_features(image.model_version, judge.model.version)
    return same and image.features.keys() == set(FEATURE_NAMES)
