"""An overview of the labels: for each one its images, its annotators, and how far they agree."""

from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.database import queries
from infra.labelling.label_agreement import Pattern, agreement
from infra.provision.snapshot import read_snapshot

_SQL = queries(Path(__file__).with_suffix(".sql"))
_COLUMNS = ("images", "positive", "negative", "uncertain", "annotators", "held")


def read_overview(url: str, *, rule: str, uncertain: str) -> dict[str, Any]:
    """Everything that `dcm2set labels` shows, in one snapshot."""
    with read_snapshot(url) as connection:
        values = {"rule": rule, "uncertain": uncertain}
        rows = connection.execute(_SQL["labels"], values).fetchall()
        patterns: defaultdict[int, list[Pattern]] = defaultdict(list)
        for row in connection.execute(_SQL["votes"]):
            found = Pattern(tuple(row["annotators"]), tuple(row["votes"]), row["images"])
            patterns[row["label_id"]].append(found)
        imports = connection.execute(_SQL["imports"]).fetchall()
    labels = [row | {"agreement": asdict(agreement(patterns[row.pop("id")]))} for row in rows]
    return {**values, "labels": labels, "imports": imports}


def overview_text(overview: dict[str, Any]) -> str:
    """The same as a table for a terminal."""
    width = max([5, *(len(row["label"]) for row in overview["labels"])])
    header = f"{'label':<{width}}" + "".join(f"{name:>12}" for name in _COLUMNS) + "  agreement"
    lines = [f"Rule {overview['rule']}, uncertain {overview['uncertain']}.", header]
    for row in overview["labels"]:
        numbers = "".join(f"{row[name]:>12}" for name in _COLUMNS)
        lines.append(f"{row['label']:<{width}}{numbers}  {_agreement(row['agreement'])}")
    if not overview["labels"]:
        lines = ["No labels yet: put a label file into the bucket annotations."]
    for file in overview["imports"]:
        counts = ", ".join(f"{file[name]} {name}" for name in ("accepted", "superseded", "held", "refused"))
        lines.append(f"{file['key']} ({file['format']}): {counts}")
    return "\n".join(lines)


def _agreement(found: dict[str, Any]) -> str:
    if found["kappa"] is None:
        return f"not defined: {found['cause']}"
    return f"{found['measure']} {found['kappa']:.3f} over {found['images']} image(s)"
