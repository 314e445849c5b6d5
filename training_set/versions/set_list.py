"""List all frozen versions of all training sets."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries

_SQL = queries(Path(__file__).with_name("set_versions.sql"))


def list_versions(
    connection: psycopg.Connection[Any], *, after: tuple[str, int] = ("", 0), most: int | None = None
) -> list[dict[str, Any]]:
    """Return name, version, time of freezing, digest, images, patients and splits of every version.

    They are in order of name and number; `after` and `most` give a part of the list.
    """
    values = {"name": after[0], "number": after[1], "most": most}
    rows = connection.cursor(row_factory=dict_row).execute(_SQL["all_versions"], values).fetchall()
    return [
        {
            "name": row["name"],
            "version": row["number"],
            "frozen_at": row["created_at"].isoformat(),
            "digest": row["digest"],
            "images": row["counts"]["images"],
            "patients": row["counts"]["patients"],
            "splits": {split: part["images"] for split, part in row["counts"]["splits"].items()},
        }
        for row in rows
    ]


def versions_text(versions: list[dict[str, Any]]) -> str:
    """Return the list as text for a terminal."""
    if not versions:
        return "There is no training set yet. dcm2set export NAME freezes the first version."
    width = max(len(each["name"]) for each in versions)
    return "\n".join(_line(each, width) for each in versions)


def _line(version: dict[str, Any], width: int) -> str:
    splits = ", ".join(f"{name} {images:,}" for name, images in version["splits"].items())
    frozen_at = version["frozen_at"][:16].replace("T", " ")
    return (
        f"{version['name']:<{width}}  v{version['version']:<4} {frozen_at}  "
        f"{version['images']:>11,} images  {splits}"
    )
