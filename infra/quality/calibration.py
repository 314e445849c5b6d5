"""Limits by modality from persons' verdicts: how they come about, and what they would change."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from infra.quality.conformal import (
    FEWEST_PATIENTS,
    DecidedPicture,
    Rates,
    by_modality,
    conformal_limits,
    one_for_each_patient,
)
from infra.quality.site_limits import site_limits, store_site_limits
from model.judgement import Judge
from model.limits import Limits

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Calibration:
    """What a modality's decided pictures give."""

    modality: str
    model_version: str
    pictures: int  # that persons have decided about, with a score of this model
    patients: int  # of these pictures
    good_patients: int  # with a picture that a person called good; the number of scores used
    of_other_models: int  # decided pictures whose score is another model's, not used
    limits_now: Limits
    limits: Limits | None  # None: too few patients
    missing_patients: int  # until something is calibrated
    rejects: bool  # whether there are enough patients to reject anything by its score
    changes: list[dict[str, Any]]  # before, after, images


def calibrations(
    connection: psycopg.Connection[Any], judge: Judge, rates: Rates, modality: str | None
) -> list[Calibration]:
    """The calibration of each modality with decided pictures, or of one; nothing is changed."""
    version = judge.model.version
    rows = connection.cursor(row_factory=dict_row)
    values = {"modality": modality, "model_version": version}
    current, others = [], dict[str, int]()
    for row in rows.execute(_SQL["decided"], values).fetchall():
        code, is_of_model = row.pop("modality"), row.pop("is_of_model")
        others[code] = others.get(code, 0) + (not is_of_model)
        if is_of_model:
            current.append((code, DecidedPicture(**row)))
    pictures, site = by_modality(current), site_limits(connection, version)
    return [
        _calibration(
            rows,
            judge,
            rates,
            code,
            pictures=pictures.get(code, []),
            of_other_models=others.get(code, 0),
            site=site.get(code),
        )
        for code in sorted({*pictures, *others, *([modality] if modality else [])})
    ]


def _calibration(
    rows: psycopg.Cursor[dict[str, Any]],
    judge: Judge,
    rates: Rates,
    modality: str,
    *,
    pictures: list[DecidedPicture],
    of_other_models: int,
    site: Limits | None,
) -> Calibration:
    patients = len({picture.patient_id for picture in pictures})
    scores = [picture.score for picture in one_for_each_patient(pictures)]
    missing = max(FEWEST_PATIENTS - patients, rates.fewest_for_review - len(scores), 0)
    limits = None if missing else conformal_limits(scores, rates)
    version = judge.model.version
    changes: list[dict[str, Any]] = []
    if limits:
        values = asdict(limits) | {"modality": modality, "model_version": version}
        changes = rows.execute(_SQL["changes"], values).fetchall()
    return Calibration(
        modality=modality,
        model_version=version,
        pictures=len(pictures),
        patients=patients,
        good_patients=len(scores),
        of_other_models=of_other_models,
        limits_now=judge.limits(modality, site),
        limits=limits,
        missing_patients=missing,
        rejects=len(scores) >= rates.fewest_for_rejection,
        changes=changes,
    )


def store_calibration(connection: psycopg.Connection[Any], found: Calibration, *, who: str, why: str) -> None:
    """Store the limits, if there were enough patients."""
    if found.limits:
        store_site_limits(
            connection,
            found.modality,
            found.model_version,
            found.limits,
            patients=found.good_patients,
            who=who,
            why=why,
        )


def sample(
    connection: psycopg.Connection[Any], modality: str, number: int, seed: int
) -> list[dict[str, Any]]:
    """Random pictures of a modality, one for each of `number` patients; the same seed gives the same."""
    rows = connection.cursor(row_factory=dict_row)
    values = {"modality": modality, "most": number, "seed": str(seed)}
    return rows.execute(_SQL["sample"], values).fetchall()
