"""The labels: what of each is said of how many images, by whom, and how far they agree."""

from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from infra.labelling.label_agreement import Pattern, agreement

_SQL = queries(Path(__file__).with_suffix(".sql"))
_COLUMNS = ("images", "positive", "negative", "uncertain", "annotators", "held")


def read_overview(url: str, *, rule: str, uncertain: str) -> dict[str, Any]:
    """Everything that `dcm2set labels` tells, in one snapshot."""
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        values = {"rule": rule, "uncertain": uncertain}
        rows = connection.execute(_SQL["labels"], values).fetchall()
        patterns: defaultdict[int, list[Pattern]] = defaultdict(list)
        for row in connection.execute(_SQL["votes"]):
            found = Pattern(tuple(row["annotators"]), tuple(row["votes"]), row["images"])
            patterns[row["label_id"]].append(found)
        imports = connection.execute(_SQL["imports"]).fetchall()
    labels = [row | {"agreement": asdict(agreement(patterns[row.pop("id")]))} for row in rows]
    return {**values, "labels": labels, "imports": imports}


def overview_text(told: dict[str, Any]) -> str:
    """The same as a table for a terminal."""
    width = max([5, *(len(row["label"]) for row in told["labels"])])
    header = f"{'label':<{width}}" + "".join(f"{name:>12}" for name in _COLUMNS) + "  agreement"
    lines = [f"Rule {told['rule']}, uncertain {told['uncertain']}.", header]
    for row in told["labels"]:
        numbers = "".join(f"{row[name]:>12}" for name in _COLUMNS)
        lines.append(f"{row['label']:<{width}}{numbers}  {_agreement(row['agreement'])}")
    if not told["labels"]:
        lines = ["No labels yet: put a label file into the bucket annotations."]
    told_of_files = ("accepted", "superseded", "held", "refused")
    for file in told["imports"]:
        counts = ", ".join(f"{file[name]} {name}" for name in told_of_files)
        lines.append(f"{file['key']} ({file['format']}): {counts}")
    return "\n".join(lines)


def _agreement(told: dict[str, Any]) -> str:
    if told["kappa"] is None:
        return f"not defined: {told['cause']}"
    return f"{told['measure']} {told['kappa']:.3f} over {told['images']} image(s)"
