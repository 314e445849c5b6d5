"""The status as text for a terminal."""

from collections.abc import Sequence
from typing import Any

from infra.health.stalled import stalled_text

_COLUMNS = ("waiting", "running", "retry", "held", "quarantined", "done")


def status_text(status: dict[str, Any]) -> str:
    """All of it: functions, balance, what is aside and why, buckets."""
    parts = [_functions(status["functions"]), stalled_text(status["stalled"])]
    parts += [balance_text(status["balance"]), aside_text(status["aside"])]
    parts.append(_last_arrived(status["last_arrived"]))
    labels = status["labels"]
    parts.append(
        f"Labels: {labels['on_images']} on images, {labels['held']} held, {labels['files']} file(s)."
    )
    parts.append(_buckets(status["buckets"], status["buckets_in_all"]))
    parts.append(_recount(status.get("recount")))
    return "\n\n".join(part for part in parts if part)


def _last_arrived(seconds: dict[str, float | None]) -> str:
    sources = (
        ("NAS", "nas_seconds"),
        ("raw directly", "raw_seconds"),
        ("annotations", "annotations_seconds"),
    )
    told = ", ".join(f"{name} {_ago(seconds[key])}" for name, key in sources)
    return f"Last arrived: {told}."


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def balance_text(balance: dict[str, Any]) -> str:
    """The balance as the two equations it is."""
    b = balance
    files = (
        f"Files   {b['files_found']} found = {b['files_skipped']} skipped + {b['files_waiting']} waiting"
        f" + {b['files_held']} held + {b['files_quarantined']} quarantined + {b['files_extracted']} extracted"
        f"{_erased(b['files_erased'])}"
        f" ({b['files_duplicate']} of them duplicates); difference {b['files_difference']}"
    )
    images = (
        f"Images  {b['frames']} frames = {b['images_good']} good + {b['images_black']} black"
        f" + {b['images_low_quality']} low quality + {b['images_waiting']} waiting"
        f" + {b['images_quarantined']} quarantined; difference {b['images_difference']}"
    )
    return f"{files}\n{images}"


def _erased(number: int) -> str:
    return f" + {number} erased on request" if number else ""


def aside_text(aside: Sequence[dict[str, Any]]) -> str:
    """What is held or quarantined, why, and what to do."""
    lines = []
    for row in aside:
        numbers = ", ".join(str(number) for number in row["item_ids"])
        lines.append(f"{row['items']} {row['state']} by {row['function']} (item {numbers}): {row['cause']}")
        lines += [f"    of {device}" for device in row["devices"] or ()]
        if row["next_step"]:
            lines.append(f"    {row['next_step']}")
    return "\n".join(lines)


def _functions(rows: Sequence[dict[str, Any]]) -> str:
    lines = [f"{'function':<16}" + "".join(f"{name:>12}" for name in _COLUMNS) + f"{'oldest':>10}"]
    for row in rows:
        age = row["oldest_waiting_seconds"]
        oldest = "" if age is None else f"{age:.0f} s"
        lines.append(
            f"{row['function']:<16}" + "".join(f"{row[name]:>12}" for name in _COLUMNS) + f"{oldest:>10}"
        )
    return "\n".join(lines)


def _recount(found: Sequence[dict[str, Any]] | None) -> str:
    if found is None:
        return ""
    lines = [f"{row['of']} {row['number']}: told {row['told']}, counted {row['counted']}" for row in found]
    return "\n".join(["Counted again: the same numbers." if not found else "Counted again:", *lines])


def _buckets(rows: Sequence[dict[str, Any]], in_all: int) -> str:
    before = [f"{in_all - len(rows)} older buckets, then:"] if in_all > len(rows) else []
    return (
        "\n".join(before)
        + ("\n" if before else "")
        + "\n".join(
            f"Bucket {row['bucket']}: {row['allocated']} of {row['capacity']} places taken, "
            f"{row['images_here']} images in it now"
            for row in rows
        )
    )
