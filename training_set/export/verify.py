"""Verify an exported folder without the database or the object store."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import PermanentError
from training_set.export.export_folder import EXPORT
from training_set.export.image_files import file_digest
from training_set.export.progress import Progress
from training_set.export.verify_shards import wrong_shards
from training_set.formats.shard_format import SHARD_FORMS
from training_set.selection.image_columns import FOLD
from training_set.selection.image_rows import is_image_key
from training_set.selection.options import SPLIT_BY, TEST
from training_set.splits.patient_folds import NO_FOLD
from training_set.splits.patient_groups import Pictures, duplicate_pairs, unpacked_hashes
from training_set.versions.frozen_files import parse_manifest
from training_set.versions.frozen_set import MANIFEST, TABLE, read_table

_AT_A_TIME = 4
_MAX_NAME_LENGTH = 500  # characters of a name in a message


def verify(folder: Path, report: Callable[[str], None]) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with an export."""
    try:
        mark = orjson.loads((folder / EXPORT).read_bytes())
        body = (folder / MANIFEST).read_bytes()
        manifest = parse_manifest(body)
        digest = mark["sha256"][MANIFEST]
    except OSError as error:
        yield f"{Path(str(error.filename)).name} is missing: this is not an export, or it was interrupted."
        return
    except (PermanentError, orjson.JSONDecodeError, KeyError, TypeError):
        yield f"{EXPORT} or {MANIFEST} is not a file of an export."
        return
    if hashlib.sha256(body).hexdigest() != digest or mark.get("digest") != manifest["digest"]:
        yield f"{MANIFEST} was changed."
    expected = dict(manifest["files"])
    form = mark.get("images")
    if form in {"references", *SHARD_FORMS}:
        pictures: dict[str, str] = {}
    else:
        pictures = {f"{image['split']}/{image['key']}": image["sha256"] for image in manifest["images"]}
    yield from _wrong_names(manifest)
    yield from _wrong_files(folder, expected | pictures, report)
    yield from _extra_files(folder, {EXPORT, MANIFEST, *expected, *pictures})
    yield from _wrong_table(folder, manifest)
    if form in SHARD_FORMS:
        yield from wrong_shards(folder, manifest, form)


def _wrong_names(manifest: dict[str, Any]) -> Iterator[str]:
    splits = set(manifest["settings"]["splits"])
    for image in manifest["images"]:
        if image["split"] not in splits or not is_image_key(image["key"]):
            yield f"{image['split']}/{image['key']} is not a valid image name."


def _wrong_files(folder: Path, expected: dict[str, str], report: Callable[[str], None]) -> Iterator[str]:
    inside = {name: digest for name, digest in expected.items() if _is_inside(folder, name)}
    yield from (f"{name!r} lies outside the folder." for name in expected.keys() - inside.keys())
    progress = Progress(len(inside), "files", report)

    def wrong(name: str) -> str | None:
        progress.advance()
        try:
            found = file_digest(folder / name)
        except OSError as error:
            return f"{name[:_MAX_NAME_LENGTH]} can't be read ({error.strerror})."
        if found is None:
            return f"{name} is missing."
        return None if found == inside[name] else f"{name} has other content."

    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        yield from (cause for cause in threads.map(wrong, inside) if cause)


def _is_inside(folder: Path, name: str) -> bool:
    return "\0" not in name and (folder / name).resolve().is_relative_to(folder.resolve())


def _extra_files(folder: Path, known: set[str]) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in known:
            yield f"{name} is not part of the export."


def _wrong_table(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    try:
        table = read_table((folder / TABLE).read_bytes())
    except (OSError, PermanentError):
        yield f"{TABLE} can't be read."
        return
    expected = [[image[name] for image in manifest["images"]] for name in ("split", "key", "sha256")]
    if [table[name].to_pylist() for name in ("split", "key", "sha256")] != expected:
        yield f"{TABLE} and {MANIFEST} list different images."
    settings = manifest["settings"]
    together = ["patient_id"], list(SPLIT_BY.get(settings.get("split_by"), ()))
    for part in ("split", FOLD) if FOLD in table.column_names else ("split",):
        yield from _divided(table, part, together[0], "Patient")
        yield from _divided(table, part, together[1], "Device")
        yield from _duplicates(table, part)
    yield from _wrong_folds(table, settings.get("folds", 0))


def _divided(table: pa.Table, part: str, columns: list[str], word: str) -> Iterator[str]:
    """Yield the patients or devices that are in several splits or folds."""
    if not columns:
        return
    rows = table.filter(pc.not_equal(table[FOLD], NO_FOLD)) if part == FOLD else table
    counts = rows.group_by(columns).aggregate([(part, "count_distinct")])
    several = counts.filter(pc.greater(counts[f"{part}_count_distinct"], 1)).select(columns).to_pylist()
    names = sorted(" ".join(str(value) for value in row.values() if value is not None) for row in several)
    yield from (f"{word} {name} is in several {part}s." for name in names)


def _wrong_folds(table: pa.Table, folds: int) -> Iterator[str]:
    """Yield a sentence if folds are missing, too many, or not those of the splits."""
    if (FOLD in table.column_names) != bool(folds):
        yield f"{TABLE} has folds, or lacks them, other than {MANIFEST} says."
        return
    if not folds:
        return
    numbers, is_test = table[FOLD].to_numpy(), table["split"].to_numpy(zero_copy_only=False) == TEST
    wrong = np.where(is_test, numbers != NO_FOLD, (numbers < 1) | (numbers > folds))
    for row in np.flatnonzero(wrong).tolist():
        yield f"{table['file_name'][row]} is in fold {numbers[row]}."


def _duplicates(table: pa.Table, part: str) -> Iterator[str]:
    """Yield pairs of images in different splits, or folds outside the test split, that look the same."""
    if part == FOLD:
        table = table.filter(pc.not_equal(table[FOLD], NO_FOLD))
    _, splits = np.unique(table[part].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    packed, has_hash = unpacked_hashes(table["picture_hash"])
    digests = table["sha256"].to_numpy(zero_copy_only=False).astype(str)
    pairs = duplicate_pairs(Pictures(splits, digests, packed, has_hash))
    names = table["file_name"]
    for one, other in pairs.tolist():
        yield f"{names[one]} and {names[other]} show the same picture in two {part}s."
