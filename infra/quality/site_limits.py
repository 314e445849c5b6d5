"""The limits that a site has calibrated, by modality, for one version of the model."""

from pathlib import Path
from typing import Any

import psycopg

from common.database import queries
from model.limits import Limits

_SQL = queries(Path(__file__).with_suffix(".sql"))


def site_limits(connection: psycopg.Connection[Any], model_version: str) -> dict[str, Limits]:
    """The valid limits by modality; modalities without any, or with forgotten ones, are missing."""
    rows = connection.execute(_SQL["valid"], {"model_version": model_version}).fetchall()
    return {
        modality: Limits(review_from, reject_from)
        for modality, review_from, reject_from in rows
        if review_from
    }


def store_site_limits(
    connection: psycopg.Connection[Any],
    modality: str,
    model_version: str,
    limits: Limits | None,
    *,
    patients: int,
    who: str,
    why: str,
) -> None:
    """Store new limits of a modality, or with None that its former ones are no longer valid."""
    values = {
        "modality": modality,
        "model_version": model_version,
        "review_from": limits and limits.review_from,
        "reject_from": limits and limits.reject_from,
        "patients": patients,
        "who": who,
        "why": why,
    }
    connection.execute(_SQL["store"], values)
    connection.commit()
