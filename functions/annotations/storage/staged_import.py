"""Labels of any file: copied aside, compared with each other set by set, and kept as far as they can be."""

from dataclasses import replace
from typing import Any

from functions.annotations.formats.label_file import LabelFile
from functions.annotations.formats.refused_row import Refusals, RefusedRow
from functions.annotations.storage.copy_rows import CopyRows
from functions.annotations.storage.import_counts import ImportCounts
from functions.annotations.storage.import_steps import Steps


def import_staged(step: Steps, number: int, file: LabelFile) -> ImportCounts:
    """Copy all rows aside, compare them set by set, and keep what can be."""
    told = CopyRows()
    step("told")
    step.copy("copy_told", told.batches(file.rows, step.renew))
    step("analyze_told")
    return _kept(step, number, told, ImportCounts(file.form), file.refused)


def _kept(step: Steps, number: int, told: CopyRows, counts: ImportCounts, refused: Refusals) -> ImportCounts:
    """Resolve what was copied, refuse what can't be, and keep the rest."""
    step("told_image")
    step("analyze_told_image")
    names = step.one("names")
    if names["refused"]:
        _refuse(step, "refused_names", "remove_refused_names", refused)
    repeated = 0 if told.is_once and names["once"] else _said_twice(step, refused)
    labels, _ = _ids(step, "labels", told.labels.names)
    annotators, are_new = _ids(step, "annotators", told.annotators.names)
    controls, _ = _ids(step, "controls", told.controls.names)
    values = {"id": number, "labels": labels, "annotators": annotators, "controls": controls}
    # Whoever labels for the first time takes the place of nothing.
    superseded = 0 if are_new else step.one("superseded", values)["number"]
    accepted = step("accept", values).rowcount
    held = groups = known = 0
    if names["unknown"]:
        step("hold", values)
        held = step.one("held", values)["number"]
    if names["groups"]:
        groups = step("accept_groups", values).rowcount
        known = step.one("known_groups", values)["number"]
    if told.controls.names:
        superseded += _withdrawn(step, values)
    return replace(
        counts,
        accepted=accepted + known,
        repeated=repeated,
        superseded=superseded,
        held=held + groups - known,
        refused=refused.number,
    )


def _refuse(step: Steps, found: str, remove: str, refused: Refusals) -> None:
    rows = step(found).fetchall()
    if rows:
        refused.extend(rows[0]["number"], [RefusedRow(row["line"], row["cause"]) for row in rows])
    step(remove)


def _said_twice(step: Steps, refused: Refusals) -> int:
    """Refuse what contradicts another row of the file; returns how many rows only repeat one."""
    doubled = step("said_twice").rowcount
    if step.one("answers")["there"]:
        doubled += step("answered_twice").rowcount
    if not doubled:
        return 0
    for name in ("analyze_said_twice", "contradictions", "analyze_contradictions"):
        step(name)
    _refuse(step, "refused_contradictions", "remove_contradictions", refused)
    return step("remove_repeats").rowcount


def _withdrawn(step: Steps, values: dict[str, Any]) -> int:
    step("answered")
    step("told_answers", values)
    step("analyze_answered")
    step("keep_answers")
    return step("withdraw").rowcount


def _ids(step: Steps, kind: str, names: list[str]) -> tuple[list[int], bool]:
    """The numbers of names in the database, new ones included; and whether all of them are new."""
    added = step(f"new_{kind}", {"names": names}).rowcount
    return step.one(kind, {"names": names})["ids"] or [], added == len(names)
