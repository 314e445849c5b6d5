"""The result of an erasure as text, for a terminal and for the file on the withdrawal of consent."""

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
    lines += [f"Frozen training set that holds the patient: {name}" for name in erasure.frozen_exports]
    return "\n".join(lines)


def _nonzero(numbers: dict[str, int]) -> list[tuple[str, int]]:
    return sorted((name, number) for name, number in numbers.items() if number)
