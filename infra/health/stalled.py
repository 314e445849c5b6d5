"""Items that wait longer than they should, by kind, and what to do about each kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries
from infra.health.finding import Finding

STALLED_SECONDS = 600.0
_MOVING_SECONDS = 60.0  # whoever began or settled something since then works through a backlog
_SQL = queries(Path(__file__).with_suffix(".sql"))
_NEXT_STEPS = {
    "retry": "Mend that; they are tried again by themselves.",
    "lost": "Their workers were lost, and no sweep sent them again: see the log of sweep, and POST to it.",
    "long": "See DCM2SET_SECONDS_PER_FILE, and what its processes do; a restart loses nothing.",
    "unsent": "Their event was lost, and no sweep sent them again: see the log of sweep, and POST to it.",
    "uncopied": "See whether the NAS answers (dcm2set nas check), and the log of poll_nas.",
    "backlog": "It works through them; nothing to do but wait, or give it more processors.",
}
_WORDS = {
    "retry": "fail(s) again and again",
    "lost": "lost by its workers",
    "long": "still worked on",
    "unsent": "never begun",
    "uncopied": "on the NAS, not copied yet",
    "backlog": "in a backlog that gets shorter",
}


def read_stalled(
    connection: psycopg.Connection[DictRow],
    waiting: Mapping[str, Sequence[float]],
    *,
    uncopied: Sequence[float] = (),
    seconds: float = STALLED_SECONDS,
) -> list[dict[str, Any]]:
    """What is older than so many seconds, by function and kind.

    `waiting` are the ages of what no function has begun yet, `uncopied` those of files on the NAS.
    """
    rows: list[dict[str, Any]] = list(connection.execute(_SQL["stalled_items"], {"seconds": seconds}))
    for function, ages in waiting.items():
        rows += _row(function, "waiting", ages, seconds)
    moved = {row["function"]: row["seconds"] for row in connection.execute(_SQL["last_moved"])}
    for row in rows:
        if row["kind"] == "waiting":
            is_moving = moved.get(row["function"], seconds) < _MOVING_SECONDS
            row["kind"] = "backlog" if is_moving else "unsent"
    return rows + _row("poll_nas", "uncopied", uncopied, seconds)


def _row(function: str, kind: str, ages: Sequence[float], seconds: float) -> list[dict[str, Any]]:
    old = [age for age in ages if age >= seconds]
    if not old:
        return []
    return [
        {"function": function, "kind": kind, "items": len(old), "oldest_seconds": max(old), "cause": None}
    ]


def stalled_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line each, the oldest first."""
    ordered = sorted(rows, key=lambda row: -row["oldest_seconds"])
    return "\n".join(f"Stuck: {row['function']}: {_told(row)}" for row in ordered)


def stalled_findings(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What to do about each kind; a backlog that gets shorter is nothing wrong."""
    return [
        Finding(
            f"{row['function']} items",
            row["kind"] == "backlog",
            f"{_told(row)} {_NEXT_STEPS[row['kind']]}",
        )
        for row in rows
    ]


def _told(row: Mapping[str, Any]) -> str:
    cause = f" ({row['cause']})" if row["cause"] else ""
    minutes = row["oldest_seconds"] / 60
    return f"{row['items']} {_WORDS[row['kind']]}, the oldest for {minutes:.0f} min{cause}."
