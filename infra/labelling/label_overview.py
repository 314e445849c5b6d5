"""An overview of the labels: for each one its images, its annotators, and how far they agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.database import queries
from infra.labelling.agreement_text import agreement_lines
from infra.provision.snapshot import read_snapshot
from training_set.agreement.agreement import Agreement, LabelAgreement, label_agreement
from training_set.agreement.readings import Readings, read_agreement
from training_set.agreement.rule_warning import rule_warning

_SQL = queries(Path(__file__).with_suffix(".sql"))
_COLUMNS = ("images", "positive", "negative", "uncertain", "annotators", "held")
_MOST_DIFFERING = 1000  # listed images of a label
_NOBODY = Readings(label_agreement([]), ())


def read_overview(url: str, *, rule: str, uncertain: str) -> dict[str, Any]:
    """Everything that `dcm2set labels` shows, in one snapshot."""
    with read_snapshot(url) as connection:
        values = {"rule": rule, "uncertain": uncertain}
        rows = connection.execute(_SQL["labels"], values).fetchall()
        names = {row["id"]: row["name"] for row in connection.execute(_SQL["annotators"])}
        readings = read_agreement(connection, None, most=_MOST_DIFFERING)
        imports = connection.execute(_SQL["imports"]).fetchall()
    warning = rule_warning(rule, (found.agreement.overall for found in readings.values()))
    labels = [row | {"agreement": _agreement(readings.get(row.pop("id"), _NOBODY), names)} for row in rows]
    return {**values, "labels": labels, "imports": imports, "warnings": [warning] if warning else []}


def _agreement(found: Readings, names: Mapping[int, str]) -> dict[str, Any]:
    """The agreement on a label with the names of the annotators, which are shown to the operator only."""
    both: LabelAgreement = found.agreement
    differing = [
        {"key": image.key, "values": [[names[who], value] for who, value in image.values]}
        for image in found.differing
    ]
    return {
        **_figures(both.overall, names),
        "groups": [_figures(group, names) for group in both.groups],
        "differing_images": differing,
    }


def _figures(found: Agreement, names: Mapping[int, str]) -> dict[str, Any]:
    return vars(found) | {"annotators": sorted(names[who] for who in found.annotators)}


def overview_text(overview: dict[str, Any]) -> str:
    """The same as a table for a terminal."""
    width = max([5, *(len(row["label"]) for row in overview["labels"])])
    header = f"{'label':<{width}}" + "".join(f"{name:>12}" for name in _COLUMNS) + "  agreement"
    lines = [f"Rule {overview['rule']}, uncertain {overview['uncertain']}.", header]
    for row in overview["labels"]:
        numbers = "".join(f"{row[name]:>12}" for name in _COLUMNS)
        first, *more = agreement_lines(row["agreement"])
        lines += [f"{row['label']:<{width}}{numbers}  {first}", *more]
    if not overview["labels"]:
        lines = ["No labels yet: put a label file into the bucket annotations."]
    lines += [f"Warning: {warning}" for warning in overview["warnings"]]
    for file in overview["imports"]:
        counts = ", ".join(f"{file[name]} {name}" for name in ("accepted", "superseded", "held", "refused"))
        lines.append(f"{file['key']} ({file['format']}): {counts}")
    return "\n".join(lines)
