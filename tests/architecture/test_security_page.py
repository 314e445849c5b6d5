"""SECURITY.md is held to the trigger files: who may touch what."""

import re

from infra.provision.function_card import FunctionCard, function_cards
from tests.support.repository import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
COLUMNS = ("read", "write", "delete", "list", "find", "create_buckets")


def row_of(card: FunctionCard) -> str:
    """A function's row of the page's table."""
    told = [" ".join(f"`{place}`" for place in card.access.get(right, ())) for right in COLUMNS]
    tables = card.access.get("tables", {})
    temporary = ["temporary tables"] if card.access.get("temporary_tables") else []
    others = card.access.get("announces", ())
    announced = [f"announces items of {' and '.join(f'`{other}`' for other in others)}"] if others else []
    rights = [f"`{table}`: {right}" for table, right in tables.items()]
    called = [f"calls `{function}`" for function in card.access.get("calls", ())]
    told.append("; ".join([*rights, *temporary, *announced, *called]))
    return f"| `{card.function}` | {' | '.join(told)} |"


def test_the_table_is_what_the_trigger_files_say() -> None:
    """One row a function, with exactly the rights of its card."""
    rows = [
        line
        for line in PAGE.splitlines()
        if re.match(r"\| `\w+` \| .* \| .* \| .* \| .* \| .* \| .* \|", line)
    ]
    assert [row_of(card) for card in function_cards()] == rows


def test_the_page_tells_how_to_report_and_what_is_out_of_scope() -> None:
    """A reader finds the threat model, the rotation of secrets and whom to tell."""
    for heading in ("## Report", "## What is guarded", "## Who may do what", "## Out of scope", "## Secrets"):
        assert heading in PAGE
