"""The result of a comparison as JSON and as text."""

from collections.abc import Callable, Mapping
from typing import Any

from common.reconcile.reconcile_rows import ReconcileRows
from infra.command_options import operator_database, operator_store
from infra.reconcile.advice import advised
from infra.reconcile.run import Run


def compared(
    endpoints: dict[str, Any], *, is_deep: bool, rate: float, pause: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """Compare everything; the result as `--json` prints it."""
    with operator_database(endpoints) as database:
        run = Run(operator_store(endpoints), ReconcileRows(database), is_deep, rate, say, pause)
        found = run()
        return {
            **found.counts,
            "findings": [each.as_json() for each in advised(database, found.findings)],
            "undecided": found.undecided,
        }


def report_text(found: Mapping[str, Any]) -> str:
    """The result for a terminal."""
    compared_rows = f"{found['objects']} objects and {found['rows']} rows compared"
    lines = [f"{compared_rows} in {found['requests']} listing requests."]
    for each in found["findings"]:
        lines.append(f"{each['number']}. {each['text']}")
        lines += [f"    {mend['how']}: {mend['command']}" for mend in each["mend"]]
    number = len(found["findings"])
    lines.append(f"{number} finding(s)." if number else "Ledger, tables and object store agree.")
    if found["undecided"]:
        lines.append(f"{found['undecided']} difference(s) belong to work that goes on; compare again later.")
    return "\n".join(lines)
