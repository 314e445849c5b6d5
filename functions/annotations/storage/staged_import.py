"""The staged import, for every label file: copies rows to a staging table, compares and stores them."""

from dataclasses import replace
from typing import Any

from functions.annotations.formats.label_file import LabelFile
from functions.annotations.formats.refused_row import Refusals, RefusedRow
from functions.annotations.storage.copy_rows import CopyRows
from functions.annotations.storage.import_counts import ImportCounts
from functions.annotations.storage.import_steps import Steps


def import_staged(step: Steps, import_id: int, file: LabelFile) -> ImportCounts:
    """Copy all rows to the staging table, compare them with set operations, and store the valid ones."""
    rows = CopyRows()
    step("create_staged")
    step.copy("copy_staged", rows.batches(file.rows, step.heartbeat))
    step("analyze_staged")
    return _store(step, import_id, rows, ImportCounts(file.form), file.refused)


def _store(
    step: Steps, import_id: int, rows: CopyRows, counts: ImportCounts, refused: Refusals
) -> ImportCounts:
    """Find the images of the staged rows, refuse rows that are wrong, and store the others."""
    step("resolve_images")
    step("analyze_staged_images")
    images = step.one("image_summary")
    if images["has_refused"]:
        _refuse(step, "images", refused)
    is_unique = rows.are_unique and images["are_unique"]
    repeated = 0 if is_unique else _remove_repeats(step, refused)
    labels, _ = _ids(step, "label", rows.labels.names)
    annotators, are_annotators_new = _ids(step, "annotator", rows.annotators.names)
    controls, _ = _ids(step, "control", rows.controls.names)
    values = {"id": import_id, "labels": labels, "annotators": annotators, "controls": controls}
    # New annotators have no earlier labels that could be replaced.
    superseded = 0 if are_annotators_new else step.one("count_superseded", values)["number"]
    accepted = step("insert_labels", values).rowcount
    held = groups = known = 0
    if images["has_unknown"]:
        step("insert_held", values)
        held = step.one("count_held", values)["number"]
    if images["has_groups"]:
        groups = step("insert_groups", values).rowcount
        known = step.one("count_known_groups", values)["number"]
    if rows.controls.names:
        superseded += _store_answers(step, values)
    return replace(
        counts,
        accepted=accepted + known,
        repeated=repeated,
        superseded=superseded,
        held=held + groups - known,
        refused=refused.number,
    )


def _refuse(step: Steps, kind: str, refused: Refusals) -> None:
    rows = step(f"refused_{kind}").fetchall()
    if rows:
        listed = [RefusedRow(row["line"], row["cause"]) for row in rows]
        refused.extend(rows[0]["number"], listed, step.lines(f"lines_of_refused_{kind}"))
    step(f"remove_{kind}")


def _remove_repeats(step: Steps, refused: Refusals) -> int:
    """Refuse rows that contradict each other, and remove repeats; return the number of repeats."""
    repeated = step("repeated_rows").rowcount
    if step.one("has_answers")["found"]:
        repeated += step("repeated_answers").rowcount
    if not repeated:
        return 0
    for name in ("analyze_repeated", "contradictions", "analyze_contradictions"):
        step(name)
    _refuse(step, "contradictions", refused)
    return step("remove_repeats").rowcount


def _store_answers(step: Steps, values: dict[str, Any]) -> int:
    """Store the answers, and withdraw labels that they no longer choose; return the number of these."""
    step("create_answered")
    step("staged_answers", values)
    step("analyze_answered")
    step("store_answers")
    return step("withdraw_labels").rowcount


def _ids(step: Steps, kind: str, names: list[str]) -> tuple[list[int], bool]:
    """The ids of names, which are inserted if they are new; and whether all of them were new."""
    added = step(f"new_{kind}s", {"names": names}).rowcount
    return step.one(f"{kind}_ids", {"names": names})["ids"] or [], added == len(names)
