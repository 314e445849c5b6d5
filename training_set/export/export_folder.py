"""A folder with a training set: begun, filled and finished, so that an interrupted export goes on."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from common.errors import PermanentError
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from training_set.export.image_files import PART, ImageFiles, WantedImage
from training_set.export.image_places import ImagePlaces
from training_set.export.progress import Progress
from training_set.selection.image_rows import is_name_of_key
from training_set.selection.options import SPLITS
from training_set.versions.csv_text import csv_text
from training_set.versions.freeze import FrozenVersion, all_files
from training_set.versions.frozen_files import parse_manifest
from training_set.versions.frozen_set import MANIFEST, FrozenSet

EXPORT, REFERENCES = "export.json", "references.csv"
Images = Literal["copy", "link", "reference"]
_MOST_TOLD = 10


class ImagesMissingError(PermanentError):
    """Images of a frozen version are not there any more."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        counts = ", ".join(f"{number} {cause}" for cause, number in sorted(Counter(missing.values()).items()))
        first = "".join(f"\n  {key}: {cause}" for key, cause in list(missing.items())[:_MOST_TOLD])
        more = f"\n  and {len(missing) - _MOST_TOLD} more" if len(missing) > _MOST_TOLD else ""
        super().__init__(f"{len(missing)} image(s) are missing: {counts}.{first}{more}")


@dataclass(frozen=True)
class Request:
    """What is to be written where."""

    folder: Path
    images: Images
    link_from: Path | None  # an earlier export
    without_missing: bool  # write the others, if some are gone
    at_a_time: int = 8  # pictures


def write_export(
    version: FrozenVersion,
    places: ImagePlaces,
    store: ObjectStore,
    request: Request,
    tell: Callable[[str], None],
) -> FrozenSet:
    """Write a version into a folder; what is there of it already stays. Returns what was written.

    Raises ImagesMissingError, and PermanentError for a folder with anything else in it.
    """
    _refuse_missing(places.missing, request)
    _begin(request, version)
    missing = dict(places.missing)
    if request.images != "reference":
        linked = linked_files(request.link_from) if request.images == "link" and request.link_from else {}
        files = ImageFiles(request.folder, store, linked, request.at_a_time)
        progress = Progress(len(places.buckets), "images", tell)
        missing |= files.bring_all(_wanted(version.frozen, places), progress.advance)
        _refuse_missing(missing, request)
    written = version.frozen.without(missing)
    bodies = version.files if not missing else all_files(written)
    if request.images == "reference":
        bodies = {REFERENCES: _references(written, places), **bodies}
    for name, body in bodies.items():
        if name != MANIFEST:
            write_whole(request.folder / name, body)
    write_whole(request.folder / EXPORT, _mark(request, version, bodies))
    # The manifest last: a folder with one is whole.
    write_whole(request.folder / MANIFEST, bodies[MANIFEST])
    _remove_parts(request.folder)
    return written


def _refuse_missing(missing: Mapping[str, str], request: Request) -> None:
    if missing and not request.without_missing:
        raise ImagesMissingError(missing)


def _begin(request: Request, version: FrozenVersion) -> None:
    """Make the folder one of this version, or go on in it."""
    folder, mark = request.folder, request.folder / EXPORT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise PermanentError(f"{folder} can't be written to ({error.strerror}).") from None
    if is_empty:
        write_whole(mark, _mark(request, version, {}))
        return
    ours = orjson.loads(_mark(request, version, {}))
    if _read_mark(mark) | {"sha256": {}} != ours:
        raise PermanentError(
            f"{folder} holds something else than {ours['name']} v{ours['version']} as {ours['images']}; "
            "give another --out."
        )
    (folder / MANIFEST).unlink(missing_ok=True)


def _mark(request: Request, version: FrozenVersion, bodies: Mapping[str, bytes]) -> bytes:
    """What the folder is; with the digests of manifest and references once they are known."""
    head = version.frozen.head
    told = {
        "name": head["name"],
        "version": head["version"],
        "digest": head["digest"],
        "images": "references" if request.images == "reference" else "files",
    }
    known = [name for name in (MANIFEST, REFERENCES) if name in bodies]
    told["sha256"] = {name: hashlib.sha256(bodies[name]).hexdigest() for name in known}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"


def _read_mark(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _wanted(frozen: FrozenSet, places: ImagePlaces) -> Iterator[WantedImage]:
    columns = [frozen.table[name].to_pylist() for name in ("file_name", "key", "sha256")]
    for file_name, key, sha256 in zip(*columns, strict=True):
        if key in places.buckets:
            yield WantedImage(file_name, key, Location(places.buckets[key], key), sha256)


def _references(frozen: FrozenSet, places: ImagePlaces) -> bytes:
    """Where every image lies, as a table."""
    import pyarrow as pa

    names, keys, digests = (frozen.table[name].to_pylist() for name in ("file_name", "key", "sha256"))
    urls = [f"s3://{places.buckets[key]}/{key}" for key in keys]
    return csv_text(pa.table({"file_name": names, "url": urls, "sha256": digests}))


def linked_files(folder: Path) -> dict[str, Path]:
    """The pictures of an earlier export by SHA-256; PermanentError if the folder is none."""
    try:
        manifest = parse_manifest((folder / MANIFEST).read_bytes())
    except OSError:
        raise PermanentError(f"{folder} is no finished export: it has no {MANIFEST}.") from None
    return {
        image["sha256"]: folder / image["split"] / image["key"]
        for image in manifest["images"]
        if is_name_of_key(image["key"]) and image["split"] in SPLITS
    }


def write_whole(path: Path, body: bytes) -> None:
    """Write a file whole or not at all; one with that content is left alone."""
    if path.is_file() and path.read_bytes() == body:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    part.write_bytes(body)
    part.replace(path)


def _remove_parts(folder: Path) -> None:
    """What an interrupted run left half written."""
    for path in folder.rglob(f"*{PART}"):
        path.unlink()
