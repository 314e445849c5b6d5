"""Rows of patients, studies, series, instances and images."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import orjson
from psycopg.types.json import Jsonb

from common.database import queries
from common.ledger.ledger import DatabaseCall
from common.metadata_document import MetadataDocument

_SQL = queries(Path(__file__).with_suffix(".sql"))


class MetadataRows(Protocol):
    """The rows of metadata documents."""

    def record(self, document: MetadataDocument) -> DatabaseCall:
        """The call that stores all rows of a document.

        It raises ConflictError if the study is stored under another patient, the series under
        another study, or the instance under another series.
        """


class PostgresMetadataRows(MetadataRows):
    """The rows in Postgres."""

    def record(self, document: MetadataDocument) -> DatabaseCall:
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
        values = {
            "patient": document.patient.model_dump(mode="json"),
            "study": document.study.model_dump(mode="json"),
            "series": document.series.model_dump(mode="json"),
            "instance": instance,
            "images": images,
            "actions": header.actions,
        }
        return DatabaseCall(_SQL["record"], {name: _json(value) for name, value in values.items()})


def _json(value: object) -> Jsonb:
    return Jsonb(value, dumps=orjson.dumps)


def _digest(actions: Mapping[str, Mapping[str, int]]) -> str:
    return hashlib.sha256(orjson.dumps(actions, option=orjson.OPT_SORT_KEYS)).hexdigest()
