"""Files that contradict one another, side by side, and what persons decided about them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))
CONTRADICTED = _SQL["contradicted"]
_MOST = 10  # other files that are shown
_IDENTIFIERS = ("patient_id", "study_instance_uid", "series_instance_uid", "sop_instance_uid")
SHOWN = ("state", "source", "size", "first_seen_at", *_IDENTIFIERS)


def conflicts_of(
    connection: psycopg.Connection[DictRow], items: Sequence[int], uid: str | None
) -> dict[str, list[dict[str, Any]]]:
    """The open conflicts of items or of an instance with both sides, and the decisions of persons."""
    values = {"items": list(items), "uid": uid}
    compared = []
    for row in connection.execute(_SQL["conflicts"], values).fetchall():
        others = connection.execute(CONTRADICTED, row).fetchall()
        paths = {other["item_id"]: other["key"].split("/") for other in others if other["key"]}
        known = {row["item_id"]: [row[name] for name in _IDENTIFIERS]} | dict(list(paths.items())[:_MOST])
        facts = connection.execute(_SQL["facts"], {"items": list(known)}).fetchall()
        sides = {
            fact["item"]: fact | dict(zip(_IDENTIFIERS, known[fact["item"]], strict=False)) for fact in facts
        }
        compared.append(
            {
                "item": row["item_id"],
                "this": sides[row["item_id"]],
                "others": [side for item, side in sides.items() if item != row["item_id"]],
                "number_of_others": len(paths),
            }
        )
    numbers = {"items": [*items, *(each["item"] for each in compared)]}
    return {
        "conflicts": compared,
        "resolutions": connection.execute(_SQL["resolutions"], numbers).fetchall(),
    }


def conflicts_text(trace: dict[str, Any]) -> Iterator[str]:
    """Each conflict as a small table, with the command that decides it."""
    for each in trace["conflicts"]:
        sides = [each["this"], *each["others"]]
        yield f"item {each['item']} contradicts {each['number_of_others']} item(s):"
        yield _row("", [f"item {side['item']}" for side in sides])
        for name in SHOWN:
            yield _row(name, [str(side[name]) for side in sides])
        yield f"Say which stands: {resolve_command(each['item'])}"


def resolve_command(item: int) -> str:
    """The command with which a person decides the conflict of an item."""
    return f"dcm2set resolve --item {item} --keep this|other --why TEXT"


def resolution_lines(trace: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Each decision with its time."""
    for each in trace["resolutions"]:
        others = ", ".join(map(str, each["others"]))
        unfinished = "" if each["finished_at"] else "; not finished, run the same command again"
        kept = f"{each['decided_by']} kept {each['kept']}{unfinished}: {each['why']}"
        yield each["decided_at"], f"extract item {each['item_id']} against item {others}: {kept}"


def _row(name: str, values: Sequence[str]) -> str:
    return f"  {name:<20}" + "  ".join(f"{value:<45}" for value in values).rstrip()
