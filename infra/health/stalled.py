"""Stalled items: those that stand still longer than they should, by kind, and what to do about each kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries
from infra.health.finding import Finding

STALLED_SECONDS = 600.0
_ACTIVE_SECONDS = 60.0  # a function that began or settled an item since then works through its backlog
_SQL = queries(Path(__file__).with_suffix(".sql"))
_NEXT_STEPS = {
    "retry": "Fix the cause; they are then retried by themselves.",
    "lost": "Their attempts crashed, and no sweep sent them again: see the log of sweep, and POST to it.",
    "long": "See DCM2SET_SECONDS_PER_FILE and the function's processes; a restart loses nothing.",
    "unsent": "Their event was lost, and no sweep sent them again: see the log of sweep, and POST to it.",
    "uncopied": "Check whether the NAS answers (dcm2set nas check), and see the log of poll_nas.",
    "backlog": "The function works through them: wait, or give it more processors.",
}
_WORDS = {
    "retry": "fail again and again",
    "lost": "crashed and not sent again",
    "long": "still being worked on",
    "unsent": "never claimed",
    "uncopied": "on the NAS, not copied yet",
    "backlog": "in a backlog that is being worked on",
}


def read_stalled(
    connection: psycopg.Connection[DictRow],
    waiting: Mapping[str, Sequence[float]],
    *,
    uncopied: Sequence[float] = (),
    seconds: float = STALLED_SECONDS,
) -> list[dict[str, Any]]:
    """The stalled items, by function and kind.

    Parameters
    ----------
    waiting
        Ages in seconds of what no ledger row knows yet, by function.
    uncopied
        Ages in seconds of files on the NAS that are not copied yet.
    seconds
        The age from which an item counts as stalled.
    """
    rows: list[dict[str, Any]] = list(connection.execute(_SQL["stalled_items"], {"seconds": seconds}))
    for function, ages in waiting.items():
        rows += _row(function, "waiting", ages, seconds)
    active = {row["function"]: row["seconds"] for row in connection.execute(_SQL["last_active"])}
    for row in rows:
        if row["kind"] == "waiting":
            is_active = active.get(row["function"], seconds) < _ACTIVE_SECONDS
            row["kind"] = "backlog" if is_active else "unsent"
    return rows + _row("poll_nas", "uncopied", uncopied, seconds)


def _row(function: str, kind: str, ages: Sequence[float], seconds: float) -> list[dict[str, Any]]:
    old = [age for age in ages if age >= seconds]
    if not old:
        return []
    return [
        {"function": function, "kind": kind, "items": len(old), "oldest_seconds": max(old), "cause": None}
    ]


def stalled_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line for each function and kind, the oldest first."""
    ordered = sorted(rows, key=lambda row: -row["oldest_seconds"])
    return "\n".join(f"Stalled: {row['function']}: {_sentence(row)}" for row in ordered)


def stalled_findings(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """One finding for each function and kind, with what to do; only a backlog is good."""
    return [
        Finding(
            f"{row['function']} items",
            row["kind"] == "backlog",
            f"{_sentence(row)} {_NEXT_STEPS[row['kind']]}",
        )
        for row in rows
    ]


def _sentence(row: Mapping[str, Any]) -> str:
    cause = f" ({row['cause']})" if row["cause"] else ""
    minutes = row["oldest_seconds"] / 60
    return f"{row['items']} {_WORDS[row['kind']]}, the oldest for {minutes:.0f} min{cause}."
