"""What is not copied from the NAS, by cause: what waits, and what never will be."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.health.finding import Finding
from infra.health.stalled import STALLED_SECONDS

_NO_CAUSE = "their folder is not quiet yet, or a poll has not reached it"


def nas_waiting_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line for each cause, the most frequent first."""
    return "\n".join(f"On the NAS: {_sentence(row)}" for row in rows)


def nas_refused_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line for each cause why files that may hold images are never copied."""
    return "\n".join(
        f"On the NAS: {row['files']} file(s) not copied from {_folders(row)}: {row['cause']}" for row in rows
    )


def nas_unknown_text(number: int) -> str:
    """One line if folders have the mark and no row; otherwise nothing."""
    return f"On the NAS: {unknown_sentence(number)}." if number else ""


def unknown_sentence(number: int) -> str:
    """What marked folders without a row mean."""
    return (
        f"{number} folder(s) with the mark of processed ones are not known to this database, so nothing of "
        "them is copied here; after a restore, remove the mark from those that it lacks"
    )


def nas_waiting_findings(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """One finding for each cause; it is wrong if something waits for it longer than it should."""
    return [
        Finding("NAS files", row["oldest_seconds"] < STALLED_SECONDS, _sentence(row))
        for row in rows
        if row["cause"]
    ]


def _sentence(row: Mapping[str, Any]) -> str:
    """What waits, where, since when and why."""
    waits = f"{row['files']} file(s) wait in" if row["files"] else "nothing could be listed in"
    minutes = row["oldest_seconds"] / 60
    return f"{waits} {_folders(row)}, for {minutes:.0f} min: {row['cause'] or _NO_CAUSE}"


def _folders(row: Mapping[str, Any]) -> str:
    """The numbers of folders, because their names may name patients."""
    numbers = ", ".join(str(number) for number in row["folders"])
    return f"folder {numbers}{' and more' if row['has_more_folders'] else ''}"
