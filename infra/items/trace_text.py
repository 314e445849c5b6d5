"""A trace as text for a terminal: one line for each event, in order of time."""

from datetime import UTC, datetime
from typing import Any

from oversight.trace.conflicts import conflicts_text
from oversight.trace.time_line import time_line


def trace_text(trace: dict[str, Any]) -> str:
    """Everything that happened, the earliest first; lines without a time stand last."""
    shown = [_with_time(*event) for event in time_line(trace)]
    return "\n".join([f"source {trace['source'] or 'unknown'}", *shown, *conflicts_text(trace)])


def _with_time(time: datetime | None, text: str) -> str:
    shown = f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:23] if time else " " * 23
    return f"{shown}  {text}"
