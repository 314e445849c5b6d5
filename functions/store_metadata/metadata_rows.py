"""Rows of patients, studies, series, instances and images."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson
from psycopg import Cursor
from psycopg.types.json import Jsonb

from common.database import Database, Row, queries
from common.errors import ConflictError
from common.metadata_document import MetadataDocument

_SQL = queries(Path(__file__).with_suffix(".sql"))


class MetadataRows(Protocol):
    """Where metadata documents are persisted."""

    def upsert(self, document: MetadataDocument) -> None:
        """All rows of a document, or none.

        Raises ConflictError if its study belongs to another patient, its series to another
        study, or its instance to another series.
        """


class PostgresMetadataRows(MetadataRows):
    """The rows in Postgres, in one transaction a document."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, document: MetadataDocument) -> None:
        patient, study = document.patient.model_dump(), document.study.model_dump()
        series, instance = document.series.model_dump(), document.instance.model_dump()
        header = document.header
        instance["attributes"] = Jsonb(instance["attributes"])
        versions = {
            "pipeline_version": header.pipeline_version,
            "deidentification": header.deidentification,
            "key_id": header.key_id,
            "actions": _digest(header.actions),
        }
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["upsert_patient"], patient)
            _upsert(cursor, "study", study | {"patient_id": patient["patient_id"]}, "patient")
            _upsert(cursor, "series", series | {"study_instance_uid": study["study_instance_uid"]}, "study")
            actions = {"digest": versions["actions"], "actions": Jsonb(header.actions)}
            cursor.execute(_SQL["new_actions"], actions)
            parent = {"series_instance_uid": series["series_instance_uid"]}
            _upsert(cursor, "instance", instance | parent | versions, "series")
            cursor.executemany(
                _SQL["upsert_image"],
                [
                    image.model_dump()
                    | {
                        "sop_instance_uid": instance["sop_instance_uid"],
                        "recipe_version": header.recipe_version,
                    }
                    for image in header.images
                ],
            )


def _digest(actions: Mapping[str, Mapping[str, int]]) -> str:
    return hashlib.sha256(orjson.dumps(actions, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _upsert(cursor: Cursor[Row], table: str, values: dict[str, Any], parent: str) -> None:
    if cursor.execute(_SQL[f"upsert_{table}"], values).rowcount != 1:
        raise ConflictError(
            f"The {table}'s UID is already stored under another {parent}.",
            "Find out which of the two is right; nothing was overwritten.",
        )
