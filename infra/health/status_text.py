"""The status as text for a terminal."""

import shlex
from collections.abc import Sequence
from typing import Any

from infra.health.nas_waiting import nas_refused_text, nas_unknown_text, nas_waiting_text
from infra.health.reconciled import reconciled_text
from infra.health.stalled import stalled_text
from oversight.drift.drift_text import drift_status_text

_COLUMNS = ("waiting", "running", "retry", "held", "refused", "quarantined", "done")


def status_text(status: dict[str, Any]) -> str:
    """The complete status: functions, stalled items, balance, what was set aside and why, labels, buckets."""
    parts = [_functions(status["functions"]), stalled_text(status["stalled"])]
    parts.append(nas_waiting_text(status["nas_waiting"]))
    parts.append(nas_refused_text(status["nas_refused"]))
    parts.append(nas_unknown_text(status["nas_unknown_marks"]))
    parts += [balance_text(status["balance"]), set_aside_text(status["aside"])]
    if number := status["balance"]["images_review"]:
        parts.append(f"{number} image(s) wait for a person's review; list them with dcm2set quality list.")
    if not status["can_read_text"]:
        parts.append("No text reader is installed, so pictures that seem to show text are held.")
    if not status.get("notifications", True):
        parts.append(status["delivery"])
    parts.append(drift_status_text(status["drift"]))
    parts.append(reconciled_text(status["reconciled"]))
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
    times = ", ".join(f"{name} {_ago(seconds[key])}" for name, key in sources)
    return f"Last arrived: {times}."


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def balance_text(balance: dict[str, Any]) -> str:
    """The balance of files and the balance of images, each as one equation."""
    b = balance
    files = (
        f"Files   {b['files_found']} found = {b['files_skipped']} skipped + {b['files_waiting']} waiting"
        f" + {b['files_held']} held + {b['files_refused']} refused + {b['files_quarantined']} quarantined"
        f" + {b['files_extracted']} extracted"
        f"{_erased(b['files_erased'])}"
        f" ({b['files_duplicate']} of them duplicates); difference {b['files_difference']}"
    )
    images = (
        f"Images  {b['frames']} frames = {b['images_good']} good + {b['images_review']} review"
        f" + {b['images_black']} black"
        f" + {b['images_low_quality']} low quality + {b['images_waiting']} waiting"
        f" + {b['images_quarantined']} quarantined; difference {b['images_difference']}"
    )
    return f"{files}\n{images}"


def _erased(number: int) -> str:
    return f" + {number} erased on request" if number else ""


def set_aside_text(rows: Sequence[dict[str, Any]]) -> str:
    """The held, refused and quarantined items by cause, and what to do about each cause."""
    lines = []
    for row in rows:
        numbers = ", ".join(str(number) for number in row["item_ids"])
        lines.append(f"{row['items']} {row['state']} by {row['function']} (item {numbers}): {row['cause']}")
        lines += [f"    --device {shlex.quote(device)}" for device in row["devices"] or ()]
        if row["next_step"]:
            lines.append(f"    {row['next_step']}")
        if row["nothing_found"]:
            lines.append(
                f"    In {row['nothing_found']} of them the search found no text; after a look at them, "
                "release them together with --nothing-found."
            )
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
    lines = [f"{row['of']} {row['number']}: total {row['told']}, counted {row['counted']}" for row in found]
    head = "Recount: these numbers differ." if found else "Recount: the same numbers."
    return "\n".join([head, *lines])


def _buckets(rows: Sequence[dict[str, Any]], number_of_buckets: int) -> str:
    older = number_of_buckets - len(rows)
    lines = [f"{older} older buckets are not listed."] if older > 0 else []
    lines += [
        f"Bucket {row['bucket']}: {row['allocated']} of {row['capacity']} images allocated, "
        f"{row['images_here']} images in it now"
        for row in rows
    ]
    return "\n".join(lines)
