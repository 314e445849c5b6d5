"""What was done to the files of each NAS folder, for the ethics file: counts, and no patient's data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))
_REFUSED = ("held", "quarantined", "skipped")
Report = list[dict[str, Any]]


def read_report(url: str, folder: int | None = None) -> Report:
    """One entry a folder, by its number (names may tell a patient), in one snapshot of the database."""
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        entries: dict[int | None, dict[str, Any]] = {}
        for part in ("files", "profiles", "actions", "blanked", "released"):
            for row in connection.execute(_SQL[part], {"folder": folder}):
                number = row.pop("folder_id")
                entry = entries.setdefault(number, _new_entry(number))
                _TAKE[part](entry, row)
    return list(entries.values())


def report_text(report: Report) -> str:
    """The same as text."""
    return "\n\n".join("\n".join(_lines(entry)) for entry in report) or "No file yet."


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


def _take_files(entry: dict[str, Any], row: dict[str, Any]) -> None:
    became, files = row["became"], row["files"]
    entry["files"][became] = entry["files"].get(became, 0) + files
    if became in _REFUSED:
        entry["causes"].append(row)


def _take_actions(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["attributes"].setdefault(row["action"], {})[row["keyword"]] = row["elements"]


def _take_blanked(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["blanked"][row["how"]] = row["images"]


def _take_profiles(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["profiles"].append(row)


def _take_released(entry: dict[str, Any], row: dict[str, Any]) -> None:
    entry["released"].append(row)


_TAKE = {
    "files": _take_files,
    "profiles": _take_profiles,
    "actions": _take_actions,
    "blanked": _take_blanked,
    "released": _take_released,
}


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    number = entry["folder"]
    yield f"Folder {number}" if number is not None else "Put into raw without the NAS"
    yield "  files: " + ", ".join(f"{files} {became}" for became, files in entry["files"].items())
    for row in entry["causes"]:
        yield f"    {row['files']} {row['became']}: {row['cause']}"
    for row in entry["profiles"]:
        yield f"  {row['files']} file(s) by profile {row['profile']}, key {row['key_id']}"
    for how, images in entry["blanked"].items():
        yield f"  {images} picture(s) {how}"
    for row in entry["released"]:
        when = row["released_at"].date().isoformat()
        yield f"  {row['files']} file(s) released by {row['released_by']} on {when}: {row['why']}"
    for action, keywords in entry["attributes"].items():
        told = ", ".join(f"{keyword} {elements}" for keyword, elements in keywords.items())
        yield f"  {action}: {told}"
