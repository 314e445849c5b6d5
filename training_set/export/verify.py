"""Is a folder the export it says it is? Looked at alone, without database or store."""

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
from training_set.export.export_folder import EXPORT, REFERENCES
from training_set.export.image_files import file_digest
from training_set.export.progress import Progress
from training_set.selection.image_rows import is_name_of_key
from training_set.splits.patient_groups import Pictures, duplicate_pairs
from training_set.splits.patient_splits import hash_bits
from training_set.versions.frozen_files import parse_manifest
from training_set.versions.frozen_set import MANIFEST, TABLE, read_table

_AT_A_TIME = 4
_MOST_SHOWN = 500  # characters of a name


def verify(folder: Path, tell: Callable[[str], None]) -> Iterator[str]:
    """Everything that is wrong with an export, one after the other; nothing if it is as it should be."""
    try:
        mark = orjson.loads((folder / EXPORT).read_bytes())
        body = (folder / MANIFEST).read_bytes()
        manifest = parse_manifest(body)
        digest = mark["sha256"][MANIFEST]
    except OSError as error:
        yield f"{Path(str(error.filename)).name} is missing: no export, or one that was interrupted."
        return
    except (PermanentError, orjson.JSONDecodeError, KeyError, TypeError):
        yield f"{EXPORT} or {MANIFEST} is none of an export."
        return
    if hashlib.sha256(body).hexdigest() != digest or mark.get("digest") != manifest["digest"]:
        yield f"{MANIFEST} was changed."
    expected = dict(manifest["files"])
    if mark.get("images") == "references":
        expected[REFERENCES] = mark["sha256"].get(REFERENCES, "")
        pictures: dict[str, str] = {}
    else:
        pictures = {f"{image['split']}/{image['key']}": image["sha256"] for image in manifest["images"]}
    yield from _wrong_names(manifest)
    yield from _wrong_files(folder, expected | pictures, tell)
    yield from _too_many(folder, {EXPORT, MANIFEST, *expected, *pictures})
    yield from _wrong_table(folder, manifest)


def _wrong_names(manifest: dict[str, Any]) -> Iterator[str]:
    splits = set(manifest["settings"]["splits"])
    for image in manifest["images"]:
        if image["split"] not in splits or not is_name_of_key(image["key"]):
            yield f"{image['split']}/{image['key']} is no name of an image."


def _wrong_files(folder: Path, expected: dict[str, str], tell: Callable[[str], None]) -> Iterator[str]:
    inside = {name: digest for name, digest in expected.items() if _is_inside(folder, name)}
    yield from (f"{name!r} leaves the folder." for name in expected.keys() - inside.keys())
    progress = Progress(len(inside), "files", tell)

    def wrong(name: str) -> str | None:
        progress.advance()
        try:
            found = file_digest(folder / name)
        except OSError as error:
            return f"{name[:_MOST_SHOWN]} can't be read ({error.strerror})."
        if found is None:
            return f"{name} is missing."
        return None if found == inside[name] else f"{name} has another content."

    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        yield from (cause for cause in threads.map(wrong, inside) if cause)


def _is_inside(folder: Path, name: str) -> bool:
    return "\0" not in name and (folder / name).resolve().is_relative_to(folder.resolve())


def _too_many(folder: Path, known: set[str]) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in known:
            yield f"{name} is no part of the export."


def _wrong_table(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    try:
        table = read_table((folder / TABLE).read_bytes())
    except (OSError, PermanentError):
        yield f"{TABLE} can't be read."
        return
    told = [[image[name] for image in manifest["images"]] for name in ("split", "key", "sha256")]
    if [table[name].to_pylist() for name in ("split", "key", "sha256")] != told:
        yield f"{TABLE} and {MANIFEST} tell of different images."
    patients = table.group_by("patient_id").aggregate([("split", "count_distinct")])
    torn = patients.filter(pc.greater(patients["split_count_distinct"], 1))["patient_id"].to_pylist()
    yield from (f"Patient {patient} is in several splits." for patient in sorted(torn))
    yield from _duplicates(table)


def _duplicates(table: pa.Table) -> Iterator[str]:
    """Images of one split that look like one of another."""
    _, splits = np.unique(table["split"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    packed, has_hash = hash_bits(table["picture_hash"])
    digests = table["sha256"].to_numpy(zero_copy_only=False).astype(str)
    pairs = duplicate_pairs(Pictures(splits, digests, packed, has_hash))
    names = table["file_name"]
    for one, other in pairs.tolist():
        yield f"{names[one]} and {names[other]} show the same picture in two splits."
