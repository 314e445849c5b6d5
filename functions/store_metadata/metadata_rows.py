"""Rows of patients, studies, series, instances and images."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import orjson
from psycopg.types.json import Jsonb

from common.database import Database, queries
from common.errors import ConflictError
from common.metadata_document import MetadataDocument

_SQL = queries(Path(__file__).with_suffix(".sql"))
_PARENTS = {"study": "patient", "series": "study", "instance": "series"}


class MetadataRows(Protocol):
    """Where metadata documents are persisted."""

    def upsert(self, document: MetadataDocument) -> None:
        """All rows of a document, or none.

        Raises ConflictError if its study belongs to another patient, its series to another
        study, or its instance to another series.
        """


class PostgresMetadataRows(MetadataRows):
    """The rows in Postgres, in one statement a document."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, document: MetadataDocument) -> None:
        header = document.header
        instance = document.instance.model_dump(mode="json") | {
            "pipeline_version": header.pipeline_version,
            "deidentification": header.deidentification,
            "key_id": header.key_id,
            "actions": _digest(header.actions),
        }
        images = [
            image.model_dump(mode="json") | {"recipe_version": header.recipe_version}
            for image in header.images
        ]
        row = self._database.one(
            _SQL["store"],
            patient=_json(document.patient.model_dump(mode="json")),
            study=_json(document.study.model_dump(mode="json")),
            series=_json(document.series.model_dump(mode="json")),
            instance=_json(instance),
            images=_json(images),
            actions=_json(header.actions),
        )
        if row is not None and row["conflict"] is not None:
            table = row["conflict"]
            raise ConflictError(
                f"The {table}'s UID is already stored under another {_PARENTS[table]}.",
                "Find out which of the two is right; nothing was overwritten.",
            )


def _json(value: object) -> Jsonb:
    return Jsonb(value, dumps=orjson.dumps)


def _digest(actions: Mapping[str, Mapping[str, int]]) -> str:
    return hashlib.sha256(orjson.dumps(actions, option=orjson.OPT_SORT_KEYS)).hexdigest()
