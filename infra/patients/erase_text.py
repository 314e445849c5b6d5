"""The result of an erasure as text, for a terminal and for the file on the withdrawal of consent."""

from typing import Any

from infra.patients.erase import Erasure


def erasure_text(erasure: Erasure) -> str:
    """What was removed, and what a person still has to decide."""
    lines = [f"Patient {erasure.patient}"]
    lines += [f"  {number} object(s) deleted in {bucket}" for bucket, number in _nonzero(erasure.objects)]
    lines += [f"  {number} row(s) of {table} erased" for table, number in _nonzero(erasure.rows)]
    if erasure.label_files:
        lines.append(f"  the patient's lines emptied in {erasure.label_files} label file(s)")
    if len(lines) == 1:
        lines.append("  nothing was found")
    lines.append("New files of this patient will be deleted unread. The NAS is not changed.")
    if erasure.files_of_unknown_patients:
        lines.append(
            f"{erasure.files_of_unknown_patients} file(s) that are set aside or unfinished belong to no "
            "known patient: check them (dcm2set status)."
        )
    lines += [_locked(found) for found in erasure.locked]
    lines += [
        f"A rule copies or moves objects of {bucket} to another store: delete the patient there too."
        for bucket in erasure.copied_elsewhere
    ]
    lines += [
        f"Backup of {row['taken_at']:%Y-%m-%d %H:%M} in {row['folder']}, taken before: "
        "delete it, or erase again after a restore."
        for row in erasure.backups
    ]
    lines += [
        f"The patient may have another pseudonym in the space {name}: dcm2set pseudonym --space {name}"
        for name in erasure.other_spaces
    ]
    lines += [f"Frozen training set that holds the patient: {name}" for name in erasure.frozen_exports]
    return "\n".join(lines)


def _locked(found: dict[str, Any]) -> str:
    ends = []
    if found["until"] is not None:
        ends.append(f"until {found['until']:%Y-%m-%d %H:%M} UTC")
    if found["legal_holds"]:
        ends.append(f"{found['legal_holds']} of them by a legal hold, which a person must remove")
    return (
        f"NOT DELETED: a lock holds {found['versions']} version(s) in {found['bucket']}, {'; '.join(ends)}. "
        "Run this again then."
    )


def _nonzero(numbers: dict[str, int]) -> list[tuple[str, int]]:
    return sorted((name, number) for name, number in numbers.items() if number)
