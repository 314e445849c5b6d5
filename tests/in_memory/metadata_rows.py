"""Rows of patients, studies, series, instances and images in memory."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from common.errors import ConflictError
from common.metadata_document import MetadataDocument
from functions.store_metadata.metadata_rows import MetadataRows
from tests.in_memory.database_call import InMemoryCall

Row = dict[str, Any]
_PARENTS = {
    "study": ("patient", "patient_id"),
    "series": ("study", "study_instance_uid"),
    "instance": ("series", "series_instance_uid"),
}


@dataclass
class InMemoryMetadataRows(MetadataRows):
    """Tables of rows by primary key; a document is stored completely or not at all."""

    tables: dict[str, dict[Any, Row]] = field(
        default_factory=lambda: {name: {} for name in ("patient", "study", "series", "instance", "image")}
    )

    def record(self, document: MetadataDocument) -> InMemoryCall:
        return InMemoryCall.of(lambda: self._write(document))

    def _write(self, document: MetadataDocument) -> None:
        tables = deepcopy(self.tables)
        patient, study = document.patient.model_dump(), document.study.model_dump()
        series, instance = document.series.model_dump(), document.instance.model_dump()
        _merge(tables["patient"], patient["patient_id"], patient)
        _child(tables, "study", study["study_instance_uid"], study, parent=patient["patient_id"])
        _child(tables, "series", series["series_instance_uid"], series, parent=study["study_instance_uid"])
        uid = instance["sop_instance_uid"]
        tables["instance"].setdefault(uid, {})
        _child(tables, "instance", uid, instance, parent=series["series_instance_uid"], keep=False)
        for image in document.header.images:
            tables["image"][uid, image.frame] = image.model_dump()
        self.tables = tables


def _child(
    tables: dict[str, dict[Any, Row]], table: str, key: str, row: Row, *, parent: str, keep: bool = True
) -> None:
    parent_table, column = _PARENTS[table]
    if tables[table].get(key, {}).get(column, parent) != parent:
        raise ConflictError(
            f"The {table}'s UID is already stored under another {parent_table}.",
            "Find out which of the two is right; nothing was overwritten.",
        )
    if not keep:
        tables[table].pop(key, None)
    _merge(tables[table], key, row | {column: parent})


def _merge(table: dict[Any, Row], key: str, row: Row) -> None:
    """Update a row; stored values stay where the new row has none."""
    given = {name: value for name, value in row.items() if value is not None}
    table[key] = row | table.get(key, {}) | given
