"""An overview of the labels: for each one its images, its annotators, and how far they agree."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries
from training_set.agreement.agreement import Agreement, LabelAgreement, label_agreement
from training_set.agreement.readings import Readings, read_agreement, read_label_agreement
from training_set.agreement.rule_warning import rule_warning

_SQL = queries(Path(__file__).with_suffix(".sql"))
_MOST_DIFFERING = 1000  # listed images of a label
_SETTING = "DCM2SET_LABEL_RULE=majority"
_NO_AGREEMENT = label_agreement([])
_NOBODY = Readings(_NO_AGREEMENT, ())


@dataclass(frozen=True)
class LabelNumbers:
    """The numbers of all labels, without names of annotators."""

    rule: str
    uncertain: str
    labels: list[dict[str, Any]]  # each with the agreement over all its images
    differing: Mapping[int, list[int]]  # of each label the first images on which annotators differ
    warning: str | None


def read_overview(connection: psycopg.Connection[DictRow], *, rule: str, uncertain: str) -> dict[str, Any]:
    """Everything that `dcm2set labels` shows; `connection` reads a snapshot."""
    values = {"rule": rule, "uncertain": uncertain}
    rows = connection.execute(_SQL["labels"], values).fetchall()
    names = {row["id"]: row["name"] for row in connection.execute(_SQL["annotators"])}
    readings = read_agreement(connection, None, most=_MOST_DIFFERING)
    imports = connection.execute(_SQL["imports"]).fetchall()
    warning = rule_warning(rule, (found.agreement.overall for found in readings.values()))
    labels = [row | {"agreement": _agreement(readings.get(row.pop("id"), _NOBODY), names)} for row in rows]
    return {**values, "labels": labels, "imports": imports, "warnings": [warning] if warning else []}


def read_numbers(connection: psycopg.Connection[DictRow], *, most: int) -> LabelNumbers:
    """The numbers by the rule in the settings, and at most `most` differing images of each label."""
    rule = connection.execute(_SQL["rule"]).fetchone() or {"rule": "last", "uncertain": "keep"}
    rows = connection.execute(_SQL["labels"], rule).fetchall()
    found = read_label_agreement(connection, None)
    differing = connection.execute(_SQL["differing_images"], {"most": most}).fetchall()
    return LabelNumbers(
        rule["rule"],
        rule["uncertain"],
        [row | {"agreement": found.get(row["id"], _NO_AGREEMENT).overall} for row in rows],
        {row["label_id"]: row["images"] for row in differing},
        rule_warning(rule["rule"], (each.overall for each in found.values()), option=_SETTING),
    )


def read_differing(
    connection: psycopg.Connection[DictRow], label_id: int, images: Collection[int]
) -> list[dict[str, Any]]:
    """Each of these images with the newest value of every annotator, if they differ now."""
    values = {"label": label_id, "images": list(images)}
    return connection.execute(_SQL["readings"], values).fetchall()


def _agreement(found: Readings, names: Mapping[int, str]) -> dict[str, Any]:
    """The agreement on a label with the names of the annotators, which are shown to the operator only."""
    both: LabelAgreement = found.agreement
    differing = [
        {"key": image.key, "values": [[names[who], value] for who, value in image.values]}
        for image in found.differing
    ]
    return {
        **_figures(both.overall, names),
        "groups": [_figures(group, names) for group in both.groups],
        "differing_images": differing,
    }


def _figures(found: Agreement, names: Mapping[int, str]) -> dict[str, Any]:
    return vars(found) | {"annotators": sorted(names[who] for who in found.annotators)}
