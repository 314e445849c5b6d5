"""An erasure as text, for the page, for a terminal and for the file on the withdrawal of consent."""

from datetime import UTC, datetime
from typing import Any

from oversight.erasure.erasure import Erasure
from oversight.erasure.requests import ErasureRequest


def erasure_text(erasure: Erasure) -> str:
    """What was removed, and what a person still has to decide."""
    return "\n".join([f"Patient {erasure.patient}", *_indented(found_lines(erasure)), *left_lines(erasure)])


def found_lines(erasure: Erasure) -> list[str]:
    """What was removed."""
    lines = [f"{number} object(s) deleted in {bucket}" for bucket, number in _nonzero(erasure.objects)]
    lines += [f"{number} row(s) of {table} erased" for table, number in _nonzero(erasure.rows)]
    if erasure.label_files:
        lines.append(f"the patient's lines emptied in {erasure.label_files} label file(s)")
    return lines or ["nothing was found"]


def left_lines(erasure: Erasure) -> list[str]:
    """What is not changed, what could not be deleted, and what a person must decide."""
    lines = ["New files of this patient will be deleted unread. The NAS is not changed."]
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
    return lines + [f"Frozen training set that holds the patient: {name}" for name in erasure.frozen_exports]


def request_text(request: ErasureRequest) -> str:
    """One erasure that was asked for, with its state and what came of it."""
    lines = [
        f"Erasure {request.id} of {request.patient_id}: {request.shown_state}",
        f"  asked {_moment(request.asked_at)} by {request.who} ({request.via}): {request.why}",
    ]
    if request.withdrawn_at:
        lines.append(f"  withdrawn {_moment(request.withdrawn_at)} by {request.withdrawn_by}")
    if request.attempts > 1:
        lines.append(f"  {request.attempts} attempts")
    if request.cause:
        lines.append(f"  {request.cause}")
    if request.finished_at:
        lines.append(f"  ended {_moment(request.finished_at)}")
    if request.erasure:
        lines += _indented([*found_lines(request.erasure), *left_lines(request.erasure)])
    return "\n".join(lines)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _locked(found: dict[str, Any]) -> str:
    ends = []
    if found["until"] is not None:
        ends.append(f"until {found['until']:%Y-%m-%d %H:%M} UTC")
    if found["legal_holds"]:
        ends.append(f"{found['legal_holds']} of them by a legal hold, which a person must remove")
    return (
        f"NOT DELETED: a lock holds {found['versions']} version(s) in {found['bucket']}, {'; '.join(ends)}. "
        "Erase again then."
    )


def _nonzero(numbers: dict[str, int]) -> list[tuple[str, int]]:
    return sorted((name, number) for name, number in numbers.items() if number)
