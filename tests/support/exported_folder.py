"""Read the folder of an exported training set."""

from pathlib import Path

import pyarrow.parquet as pq


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the content of every file by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def folds_of(folder: Path) -> dict[str, int]:
    """Return the fold of every patient."""
    table = pq.read_table(folder / "images.parquet", columns=["patient_id", "fold"])
    return dict(zip(table["patient_id"].to_pylist(), table["fold"].to_pylist(), strict=True))


def splits_of(folder: Path) -> dict[str, str]:
    """Return the split of every patient."""
    table = pq.read_table(folder / "images.parquet", columns=["patient_id", "split"])
    return dict(zip(table["patient_id"].to_pylist(), table["split"].to_pylist(), strict=True))
