"""How often each label is present, absent, uncertain and missing in each split."""

from typing import Any

import numpy as np
import pyarrow as pa

from training_set.selection.image_columns import LABEL


def labels_by_split(table: pa.Table, splits: list[str]) -> list[dict[str, Any]]:
    """Return for each label the numbers of images by split, and of patients with it."""
    names = table["split"].to_numpy(zero_copy_only=False)
    patients = table["patient_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    rows = {split: names == split for split in splits}
    found = []
    for column in (name for name in table.column_names if name.startswith(LABEL)):
        values = table[column].to_numpy()
        parts = {split: _counts(values[chosen], patients[chosen]) for split, chosen in rows.items()}
        found.append({"label": column.removeprefix(LABEL), "splits": parts})
    return found


def _counts(values: Any, patients: Any) -> dict[str, int]:
    present = values >= 0.5
    return {
        "present": int(present.sum()),
        "absent": int(((values >= 0) & ~present).sum()),
        "uncertain": int((values < 0).sum()),
        "missing": int(np.isnan(values).sum()),
        "patients_with_it": len(np.unique(patients[present])),
    }
