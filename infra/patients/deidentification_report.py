"""What was done with the files of each NAS folder, for the ethics file: counts, and no data of a patient."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.database import queries
from infra.provision.snapshot import read_snapshot

_SQL = queries(Path(__file__).with_suffix(".sql"))
_REFUSED = ("held", "refused", "quarantined", "skipped")
Report = list[dict[str, Any]]


def read_report(url: str, folder: int | None = None) -> Report:
    """One entry for each NAS folder, by its number because names may identify a patient, in one snapshot."""
    with read_snapshot(url) as connection:
        entries: dict[int | None, dict[str, Any]] = {}
        for part in ("files", "profiles", "actions", "blanked", "released"):
            for row in connection.execute(_SQL[part], {"folder": folder}):
                number = row.pop("folder_id")
                entry = entries.setdefault(number, _new_entry(number))
                _ADD[part](entry, row)
    return list(entries.values())


def report_text(report: Report) -> str:
    """The report as text for a terminal."""
    return "\n\n".join("\n".join(_lines(entry)) for entry in report) or "No files yet."


def _new_entry(number: int | None) -> dict[str, Any]:
    return {
        "folder": number,
        "files": {},
        "causes": [],
        "profiles": [],
        "attributes": {},
        "blanked": {},
        "released": [],
    }


def _add_files(entry: dict[str, Any], row: dict[str, Any]) -> None:
    outcome, files = row["became"], row["files"]
    entry["files"][outcome] = entry["files"].get(outcome, 0) + files
    if outcome in _REFUSED:
        entry["causes"].append(row)


def _add_actions(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["attributes"].setdefault(row["action"], {})[row["keyword"]] = row["elements"]


def _add_blanked(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["blanked"][row["how"]] = row["images"]


def _add_profiles(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["profiles"].append(row)


def _add_released(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["released"].append(row)


_ADD = {
    "files": _add_files,
    "profiles": _add_profiles,
    "actions": _add_actions,
    "blanked": _add_blanked,
    "released": _add_released,
}


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    number = entry["folder"]
    yield f"Folder {number}" if number is not None else "Put into raw without the NAS"
    yield "  files: " + ", ".join(f"{files} {outcome}" for outcome, files in entry["files"].items())
    for row in entry["causes"]:
        yield f"    {row['files']} {row['became']}: {row['cause']}"
    for row in entry["profiles"]:
        yield f"  {row['files']} file(s) by profile {row['profile']}, key {row['key_id']}"
    for how, images in entry["blanked"].items():
        yield f"  {images} image(s) {how}"
    for row in entry["released"]:
        when = row["released_at"].date().isoformat()
        yield f"  {row['files']} file(s) released by {row['released_by']} on {when}: {row['why']}"
    for action, keywords in entry["attributes"].items():
        counts = ", ".join(f"{keyword} {elements}" for keyword, elements in keywords.items())
        yield f"  {action}: {counts}"
