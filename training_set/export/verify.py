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
from training_set.selection.image_rows import is_image_key
from training_set.splits.patient_groups import Pictures, duplicate_pairs
from training_set.splits.patient_splits import unpacked_hashes
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
    patients = table.group_by("patient_id").aggregate([("split", "count_distinct")])
    in_several = patients.filter(pc.greater(patients["split_count_distinct"], 1))["patient_id"].to_pylist()
    yield from (f"Patient {patient} is in several splits." for patient in sorted(in_several))
    yield from _duplicates(table)


def _duplicates(table: pa.Table) -> Iterator[str]:
    """Yield pairs of images in different splits that look the same."""
    _, splits = np.unique(table["split"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    packed, has_hash = unpacked_hashes(table["picture_hash"])
    digests = table["sha256"].to_numpy(zero_copy_only=False).astype(str)
    pairs = duplicate_pairs(Pictures(splits, digests, packed, has_hash))
    names = table["file_name"]
    for one, other in pairs.tolist():
        yield f"{names[one]} and {names[other]} show the same picture in two splits."
