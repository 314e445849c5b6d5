"""What an erasure did, as text for a terminal and for the file on the withdrawal."""

from infra.patients.erase import Erasure


def erasure_text(erasure: Erasure) -> str:
    """What is gone, what is left to a person."""
    lines = [f"Patient {erasure.patient}"]
    lines += [f"  {number} object(s) deleted in {bucket}" for bucket, number in _found(erasure.objects)]
    lines += [f"  {number} row(s) of {table}" for table, number in _found(erasure.rows)]
    if erasure.label_files:
        lines.append(f"  the patient's lines emptied in {erasure.label_files} label file(s)")
    if len(lines) == 1:
        lines.append("  nothing was found")
    lines.append("What comes of this patient again will be deleted from raw unread; the NAS is left alone.")
    if erasure.files_of_unknown_patients:
        lines.append(
            f"{erasure.files_of_unknown_patients} file(s) aside or under way could not be attributed to any "
            "patient: look through them (dcm2set status)."
        )
    lines += [f"Frozen export that holds the patient: {name}" for name in erasure.frozen_exports]
    return "\n".join(lines)


def _found(numbers: dict[str, int]) -> list[tuple[str, int]]:
    return sorted((name, number) for name, number in numbers.items() if number)
