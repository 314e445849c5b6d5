"""The overview of the labels as a table for a terminal."""

from typing import Any

from infra.labelling.agreement_text import agreement_lines

_COLUMNS = ("images", "positive", "negative", "uncertain", "annotators", "held")


def overview_text(overview: dict[str, Any]) -> str:
    """The labels with their numbers and agreement, and the newest label files."""
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
