"""Store and load a version's files. They are written once and read for exports and comparisons."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from common.errors import ObjectMissingError, PermanentError
from common.store.object_key import TRAINING_SETS
from common.store.object_store import ObjectStore
from training_set.versions.frozen_set import MANIFEST, TABLE, FrozenSet, read_table
from training_set.versions.set_name import frozen_location
from training_set.versions.set_versions import SetVersion

_TYPES = {".json": "application/json", ".csv": "text/csv", ".md": "text/markdown", ".png": "image/png"}
_AT_A_TIME = 4
_MANIFEST = {
    **dict.fromkeys(("format", "version"), int),
    **dict.fromkeys(("name", "digest"), str),
    **dict.fromkeys(("settings", "counts", "files"), dict),
    **dict.fromkeys(("labels", "left_out", "images"), list),
}
_IMAGE = dict.fromkeys(("split", "key", "sha256"), str)


def store_frozen(store: ObjectStore, name: str, number: int, files: dict[str, bytes]) -> None:
    """Write a version's files. Files of a version that was never recorded are overwritten."""

    def put(file: str) -> None:
        content_type = _TYPES.get(file[file.rfind(".") :], "application/vnd.apache.parquet")
        store.put(frozen_location(name, number, file), files[file], content_type=content_type)

    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        list(threads.map(put, files))


def load_frozen(store: ObjectStore, name: str, version: SetVersion) -> tuple[FrozenSet, dict[str, bytes]]:
    """Load a version and its files and verify each; PermanentError if one is missing or differs."""
    manifest = _read(store, name, version.number, MANIFEST)
    head = parse_manifest(manifest)
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        names = list(head["files"])
        bodies = list(threads.map(lambda file: _read(store, name, version.number, file), names))
    files = dict(zip(names, bodies, strict=True))
    for file, body in files.items():
        if hashlib.sha256(body).hexdigest() != head["files"][file]:
            raise PermanentError(
                f"{name} v{version.number}: {file} in the bucket {TRAINING_SETS} was changed."
            )
    if head["digest"] != version.digest:
        raise PermanentError(
            f"{name} v{version.number}: the manifest in the bucket {TRAINING_SETS} was changed."
        )
    return frozen_set_from(head, files[TABLE]), {**files, MANIFEST: manifest}


def frozen_set_from(manifest: dict[str, Any], table: bytes) -> FrozenSet:
    """Return the training set of a manifest and a table."""
    head = {key: value for key, value in manifest.items() if key not in {"files", "left_out", "images"}}
    return FrozenSet(head, read_table(table), tuple(manifest["left_out"]))


def parse_manifest(body: bytes) -> dict[str, Any]:
    """Parse a manifest; PermanentError if it isn't one."""
    try:
        found: dict[str, Any] = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise PermanentError(f"{MANIFEST} is not JSON.") from None
    if not _has(found, _MANIFEST) or found["format"] != 1:
        raise PermanentError(f"{MANIFEST} is not the manifest of a training set.")
    digests, images = found["files"].values(), found["images"]
    if not _has(found["settings"], {"splits": dict}) or not all(
        isinstance(digest, str) for digest in digests
    ):
        raise PermanentError(f"{MANIFEST} lacks the splits or the digests of files.")
    if not all(_has(image, _IMAGE) for image in images):
        raise PermanentError(f"{MANIFEST} has images without split, key or SHA-256.")
    return found


def _has(found: object, wanted: Mapping[str, type]) -> bool:
    """Whether the object has members of the wanted types, possibly among others."""
    return isinstance(found, dict) and all(isinstance(found.get(name), kind) for name, kind in wanted.items())


def _read(store: ObjectStore, name: str, number: int, file: str) -> bytes:
    try:
        return store.read_now(frozen_location(name, number, file))
    except ObjectMissingError:
        raise PermanentError(f"{name} v{number}: {file} is missing in the bucket {TRAINING_SETS}.") from None
