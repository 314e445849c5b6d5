"""The images of a selection that annotators are asked to label."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from training_set.selection.image_rows import read_images
from training_set.selection.options import Options
from training_set.selection.selection import full_selection

_SHOWN = ("modality", "body_part", "laterality", "view_position", "sop_instance_uid", "frame")


@dataclass(frozen=True)
class ImageToLabel:
    """One image to be labelled."""

    bucket: str  # in which it lies now
    key: str
    shown: Mapping[str, object]  # values shown beside the image, by column name


def images_to_label(connection: psycopg.Connection[Any], where: str) -> Iterator[ImageToLabel]:
    """The images that fulfil a condition, as for an export."""
    table = read_images(connection, full_selection(where), Options(labels=())).table
    for row in table.select(["bucket", "key", *_SHOWN]).to_pylist():
        shown = {name: row[name] for name in _SHOWN if row[name] is not None}
        yield ImageToLabel(row["bucket"], row["key"], shown)
