"""The contents of a dataset card as data: `card.json` is exactly this, and the text is made of it."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from training_set.card.cautions import card_warnings, known_biases
from training_set.card.label_shares import labels_by_split
from training_set.card.split_balance import split_balance
from training_set.selection.image_columns import column_description
from training_set.selection.options import SPLITS

_FORMAT = 1
DATES = (
    "Every date of a patient is shifted back by the same number of days, 366 to 14,600, which differs "
    "between patients and is not stored. Intervals between dates of one patient are true."
)


def card_data(head: Mapping[str, Any], table: pa.Table) -> dict[str, Any]:
    """Return the contents of a card, ready for JSON. `head` is the first part of the manifest.

    Versions of earlier formats have no funnel, no agreement and no statement.
    """
    present = set(pc.unique(table["split"]).to_pylist())
    counts = head["counts"]
    # The database does not keep the order of the splits.
    ordered = sorted(counts["splits"], key=lambda name: (*SPLITS, name).index(name))
    splits = [name for name in ordered if name in present]
    card: dict[str, Any] = {
        "format": _FORMAT,
        **{name: head[name] for name in ("name", "version", "created_at", "digest")},
        "citation": citation(head),
        "statement": head.get("about", {}),
        "settings": head["settings"],
        "fixed_test": head.get("fixed_test"),
        "counts": {**counts, "splits": {name: counts["splits"][name] for name in ordered}},
        "missing": head.get("missing", {}),
        "splits": splits,
        "labels": labels_by_split(table, splits),
        "agreement": head.get("agreement", []),
        "balance": split_balance(table, splits),
        "funnel": head.get("funnel"),
        "changes": head.get("changes"),
        "made_by": head["made_by"],
        "dates": DATES,
        "columns": [_column(field) for field in table.schema],
    }
    return card | {"warnings": card_warnings(card), "known_biases": known_biases(card)}


def citation(head: Mapping[str, Any]) -> str:
    """Return the line by which a version is cited: name, version, day of freezing and digest."""
    return (
        f"{head['name']}, version {head['version']}. Training set, frozen by dcm2set on "
        f"{head['created_at'][:10]}. SHA-256 {head['digest']}"
    )


def _column(field: pa.Field) -> dict[str, str]:
    return {"name": field.name, "type": str(field.type), "description": column_description(field.name)}
