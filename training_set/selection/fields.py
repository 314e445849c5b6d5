"""The columns and functions that a selection may use, by name and type."""

from dataclasses import dataclass
from typing import Literal

from psycopg import sql

Kind = Literal["text", "number", "date", "boolean"]


@dataclass(frozen=True)
class Field:
    """A column or function on one side of a comparison."""

    kind: Kind
    term: sql.Composable  # SQL over `i` (the image) and `l` (its labels)


_TEXT = """modality body_part laterality view_position sex manufacturer device_model verdict confidence
    patient_id study_instance_uid series_instance_uid sop_instance_uid photometric sha256 recipe
    deidentification quality_model""".split()
_NUMBER = """frame rows columns age_years score number_of_frames samples bits recipe_version
    pixel_spacing_row pixel_spacing_col slice_thickness kvp""".split()


def _column(name: str) -> sql.Composable:
    return sql.SQL("i.{}").format(sql.Identifier(name))


FIELDS: dict[str, Field] = {
    **{name: Field("text", _column(name)) for name in _TEXT},
    **{name: Field("number", _column(name)) for name in _NUMBER},
    "study_date": Field("date", _column("study_date")),
    "is_localizer": Field("boolean", _column("is_localizer")),
    "labels": Field("number", sql.SQL("coalesce(cardinality(l.label_ids), 0)")),
    "annotators": Field("number", sql.SQL("coalesce(l.most_annotators, 0)")),
}

FUNCTIONS: dict[str, sql.SQL] = {
    # Values are stored as real; rounding gives 0.3 instead of 0.300000012.
    "label": sql.SQL("round(l.label_values[array_position(l.label_ids, {}::int)]::numeric, 6)"),
    "annotators": sql.SQL("coalesce(l.label_annotators[array_position(l.label_ids, {}::int)], 0)"),
}
