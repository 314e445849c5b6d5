"""Compare two versions of a training set."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from training_set.selection.image_columns import FOLD, LABEL
from training_set.selection.options import TEST
from training_set.versions.frozen_set import FrozenSet

_MAX_LISTED = 20


def differences(older: FrozenSet, newer: FrozenSet) -> dict[str, Any]:
    """Return the differences between an older and a newer version, ready for JSON."""
    before, after = _by_key(older.table), _by_key(newer.table)
    both = sorted(before.keys() & after.keys())
    left, right = [before[key] for key in both], [after[key] for key in both]
    digests = [table["sha256"].to_pylist() for table in (older.table, newer.table)]
    redrawn = [key for key, a, b in zip(both, left, right, strict=True) if digests[0][a] != digests[1][b]]
    return {
        "name": newer.head["name"],
        "versions": [older.head["version"], newer.head["version"]],
        "images": {
            "added": sorted(after.keys() - before.keys()),
            "removed": sorted(before.keys() - after.keys()),
            "drawn_again": redrawn,
            "in_both": len(both),
        },
        "labels": _labels(older.table.take(left), newer.table.take(right), both),
        "splits": _splits(older.table, newer.table),
        "settings": _settings(older.head, newer.head),
        **_fixed_test(older, newer),
    }


def change_numbers(older: FrozenSet, newer: FrozenSet) -> dict[str, Any]:
    """Return the differences as the card has them: numbers without keys and pseudonyms."""
    found = differences(older, newer)
    images, splits, labels = found["images"], found["splits"], found["labels"]
    return {
        "since": older.head["version"],
        "images": {name: len(images[name]) for name in ("added", "removed", "drawn_again")},
        "patients": {name: splits[f"patients_{name}"] for name in ("added", "removed")},
        "labels": {name: labels[name] for name in ("added", "removed", "changed")},
        "settings": found["settings"],
    }


def _by_key(table: pa.Table) -> dict[str, int]:
    return {key: row for row, key in enumerate(table["key"].to_pylist())}


def _labels(older: pa.Table, newer: pa.Table, keys: list[str]) -> dict[str, Any]:
    """Compare the labels of images in both versions. A label that only one version has counts as missing."""
    names = [[name for name in table.column_names if name.startswith(LABEL)] for table in (older, newer)]
    changes, numbers = [], Counter[str]()
    for name in sorted({*names[0], *names[1]}):
        a, b = (_values(table, name) for table in (older, newer))
        changed = np.flatnonzero(~((a == b) | (np.isnan(a) & np.isnan(b))))
        if len(changed):
            numbers[name.removeprefix(LABEL)] = len(changed)
        changes += [
            {
                "key": keys[row],
                "label": name.removeprefix(LABEL),
                "before": _json_value(a[row]),
                "after": _json_value(b[row]),
            }
            for row in changed.tolist()
        ]
    plain = [{name.removeprefix(LABEL) for name in each} for each in names]
    return {
        "added": sorted(plain[1] - plain[0]),
        "removed": sorted(plain[0] - plain[1]),
        "changed": dict(numbers),
        "changes": changes,
    }


def _values(table: pa.Table, name: str) -> Any:
    return table[name].to_numpy() if name in table.column_names else np.full(len(table), np.nan)


def _json_value(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _splits(older: pa.Table, newer: pa.Table) -> dict[str, Any]:
    before, after = (
        dict(zip(table["patient_id"].to_pylist(), table["split"].to_pylist(), strict=True))
        for table in (older, newer)
    )
    moved = sorted(patient for patient in before.keys() & after.keys() if before[patient] != after[patient])
    folds = {} if FOLD not in newer.column_names else _folds(older, newer)
    return {
        **folds,
        "patients_in_both": len(before.keys() & after.keys()),
        "patients_moved": moved,
        "patients_added": len(after.keys() - before.keys()),
        "patients_removed": len(before.keys() - after.keys()),
    }


def _folds(older: pa.Table, newer: pa.Table) -> dict[str, Any]:
    """Return the patients whose fold changed; all if the number of folds did, none if the older has none."""
    if FOLD not in older.column_names:
        return {"folds_moved": []}
    before, after = (
        dict(zip(table["patient_id"].to_pylist(), table[FOLD].to_pylist(), strict=True))
        for table in (older, newer)
    )
    both = before.keys() & after.keys()
    return {"folds_moved": sorted(patient for patient in both if before[patient] != after[patient])}


def _fixed_test(older: FrozenSet, newer: FrozenSet) -> dict[str, Any]:
    """Return the pictures that a fixed test split gained or lost; nothing if it isn't fixed."""
    if "fixed_test" not in newer.head:
        return {}
    before, after = (
        set(each.table.filter(pc.equal(each.table["split"], TEST))["key"].to_pylist())
        for each in (older, newer)
    )
    found = {"added": sorted(after - before), "removed": sorted(before - after)}
    return {"fixed_test": {"version": newer.head["fixed_test"]["version"], **found}}


def _settings(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    before = {**older["settings"], **older["made_by"], **older.get("about", {})}
    after = {**newer["settings"], **newer["made_by"], **newer.get("about", {})}
    # The number of images per profile or recipe changes with every image, so only the names are compared.
    changed = {name for name in {*before, *after} if _kinds(before.get(name)) != _kinds(after.get(name))}
    return {name: {"before": before.get(name), "after": after.get(name)} for name in sorted(changed)}


def _kinds(value: Any) -> Any:
    is_counted = isinstance(value, dict) and all(isinstance(each, int) for each in value.values())
    return sorted(value) if is_counted else value


def differences_text(found: dict[str, Any]) -> str:
    """Format the differences as text."""
    images, labels, splits = found["images"], found["labels"], found["splits"]
    older, newer = found["versions"]
    lines = [f"{found['name']}: v{older} to v{newer}", f"Images    {images['in_both']:,} in both"]
    for words, keys in (
        ("added", images["added"]),
        ("removed", images["removed"]),
        ("drawn again", images["drawn_again"]),
    ):
        lines += _with_items(f"          {len(keys):,} {words}", keys)
    changes = [
        f"{each['key']}  {each['label']}: {_value_text(each['before'])} to {_value_text(each['after'])}"
        for each in labels["changes"]
    ]
    lines += _with_items(f"Labels    {len(changes):,} changed in images of both", changes)
    lines += [f"          new: {', '.join(labels['added'])}"] * bool(labels["added"])
    lines += [f"          removed: {', '.join(labels['removed'])}"] * bool(labels["removed"])
    moved = splits["patients_moved"]
    lines += _with_items(
        f"Splits    {splits['patients_in_both']:,} patients in both, {len(moved)} of them in another split; "
        f"{splits['patients_added']:,} added, {splits['patients_removed']:,} removed",
        moved,
    )
    if splits.get("folds_moved"):
        lines.append(f"Folds     {len(splits['folds_moved']):,} patients in another fold")
    if "fixed_test" in found:
        fixed = found["fixed_test"]
        lines.append(
            f"Test      fixed since v{fixed['version']}: {len(fixed['added']):,} pictures added, "
            f"{len(fixed['removed']):,} removed"
        )
    changed = [f"{name}: {each['before']} to {each['after']}" for name, each in found["settings"].items()]
    lines += _with_items(f"Settings  {len(changed)} changed", changed)
    return "\n".join(lines)


def _value_text(value: float | None) -> str:
    return "nothing" if value is None else f"{value:g}"


def _with_items(line: str, items: list[str]) -> list[str]:
    more = [f"            and {len(items) - _MAX_LISTED} more; --json lists all"] * (len(items) > _MAX_LISTED)
    return [line, *(f"            {item}" for item in items[:_MAX_LISTED]), *more]
