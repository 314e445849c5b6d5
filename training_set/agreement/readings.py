"""Read which annotators read the same images, and how far they agree."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from training_set.agreement.agreement import LabelAgreement, Pattern, label_agreement

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class DifferingReadings:
    """An image on which annotators differ."""

    key: str
    values: tuple[tuple[int, float], ...]  # annotator and value


@dataclass(frozen=True)
class Readings:
    """The readings of several annotators of one label."""

    agreement: LabelAgreement
    differing: tuple[DifferingReadings, ...]  # the first images


def read_agreement(
    connection: psycopg.Connection[Any], images: Collection[int] | None, *, most: int
) -> dict[int, Readings]:
    """Return the readings by label id, of images by number or of all.

    Of each label, at most `most` images on which annotators differ are listed.
    """
    agreements = read_label_agreement(connection, images)
    values = {"images": None if images is None else list(images), "most": most}
    rows = connection.cursor(row_factory=dict_row)
    differing: defaultdict[int, list[DifferingReadings]] = defaultdict(list)
    for row in rows.execute(_SQL["differing"], values):
        pairs = zip(row["annotators"], (round(value, 6) for value in row["values"]), strict=True)
        differing[row["label_id"]].append(DifferingReadings(row["key"], tuple(pairs)))
    return {label: Readings(found, tuple(differing[label])) for label, found in agreements.items()}


def read_label_agreement(
    connection: psycopg.Connection[Any], images: Collection[int] | None
) -> dict[int, LabelAgreement]:
    """Return the agreement on each label by its id, on images by number or on all."""
    values = {"images": None if images is None else list(images)}
    patterns: defaultdict[int, list[Pattern]] = defaultdict(list)
    for row in connection.cursor(row_factory=dict_row).execute(_SQL["patterns"], values):
        found = Pattern(tuple(row["annotators"]), tuple(row["votes"]), row["images"])
        patterns[row["label_id"]].append(found)
    return {label: label_agreement(found) for label, found in patterns.items()}


def read_annotators(
    connection: psycopg.Connection[Any], images: Collection[int] | None
) -> dict[int, tuple[int, ...]]:
    """Return the annotators of each label by its id, of images by number or of all."""
    values = {"images": None if images is None else list(images)}
    return {label: tuple(sorted(found)) for label, found in connection.execute(_SQL["annotators"], values)}
