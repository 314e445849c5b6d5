"""What the comparison of ledger, tables and object store has found so far."""

from collections.abc import Mapping
from typing import Any

from infra.health.finding import Finding

_LIST = "dcm2set reconcile lists them and how to mend each"


def reconciled_text(row: Mapping[str, Any] | None) -> str:
    """One line: the findings by kind, and how old the last complete comparison is."""
    if not row:
        return ""
    found = ", ".join(f"{number} {kind}" for kind, number in sorted(row["findings"].items()))
    age = (
        "the first comparison is not complete yet"
        if row["age_seconds"] is None
        else f"last one began {_age(row['age_seconds'])} ago"
    )
    return f"Rows and objects compared ({age}): " + (f"{found}; {_LIST}." if found else "nothing differs.")


def reconciled_findings(row: Mapping[str, Any] | None) -> list[Finding]:
    """The doctor's finding: wrong if anything differs."""
    if not row:
        return []
    return [Finding("rows and objects", not row["findings"], reconciled_text(row))]


def _age(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 7200 else f"{seconds / 60:.0f} min"
