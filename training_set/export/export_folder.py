"""Write a training set into a folder. An interrupted export can be continued."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from common.errors import PermanentError
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from training_set.export.image_files import PART, ImageFiles, WantedImage, write_atomically
from training_set.export.image_locations import ImageLocations
from training_set.export.progress import Progress
from training_set.formats.csv_text import csv_text
from training_set.selection.image_rows import is_image_key
from training_set.selection.options import SPLITS
from training_set.versions.freeze import FrozenVersion, all_files
from training_set.versions.frozen_files import parse_manifest
from training_set.versions.frozen_set import MANIFEST, FrozenSet

EXPORT = "export.json"
Images = Literal["copy", "link", "reference"]
Form = Literal["folder", "parquet", "webdataset"]
_MAX_LISTED = 10


class ImagesMissingError(PermanentError):
    """Images of a frozen version are missing or damaged."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        counts = ", ".join(f"{number} {cause}" for cause, number in sorted(Counter(missing.values()).items()))
        first = "".join(f"\n  {key}: {cause}" for key, cause in list(missing.items())[:_MAX_LISTED])
        more = f"\n  and {len(missing) - _MAX_LISTED} more" if len(missing) > _MAX_LISTED else ""
        super().__init__(f"{len(missing)} image(s) can't be exported: {counts}.{first}{more}")


@dataclass(frozen=True)
class ExportRequest:
    """What to export, and into which folder."""

    folder: Path
    images: Images
    link_from: Path | None  # an earlier export
    without_missing: bool  # write the other images if some are missing
    at_a_time: int = 8  # parallel downloads
    form: Form = "folder"
    shard_bytes: int = 500_000_000  # of pictures in a shard, about

    @property
    def references(self) -> Path:
        """The file of the images' locations: beside the folder, which may be handed out, and not in it."""
        return self.folder.with_name(f"{self.folder.name}.references.csv")


def write_export(
    version: FrozenVersion,
    locations: ImageLocations,
    store: ObjectStore,
    request: ExportRequest,
    report: Callable[[str], None],
) -> FrozenSet:
    """Write a version into a folder and return what was written. Correct files are kept.

    Raises ImagesMissingError, and PermanentError if the folder has other contents.
    """
    refuse_missing(locations.missing, request)
    begin_export(request, version)
    missing = dict(locations.missing)
    if request.images != "reference":
        linked = files_by_digest(request.link_from) if request.images == "link" and request.link_from else {}
        files = ImageFiles(request.folder, store, linked, request.at_a_time)
        progress = Progress(len(locations.buckets), "images", report)
        missing |= files.fetch_all(_wanted(version.frozen, locations), progress.advance)
        refuse_missing(missing, request)
    written = version.frozen.without(missing)
    bodies = version.files if not missing else all_files(written)
    if request.images == "reference":
        _write_references(request.references, _references(written, locations))
    finish_export(request, version, bodies)
    return written


def refuse_missing(missing: Mapping[str, str], request: ExportRequest) -> None:
    """Raise ImagesMissingError if images are missing, unless the request allows it."""
    if missing and not request.without_missing:
        raise ImagesMissingError(missing)


def begin_export(request: ExportRequest, version: FrozenVersion) -> None:
    """Mark an empty folder with this version, or check that it already has this mark."""
    folder, mark_file = request.folder, request.folder / EXPORT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise PermanentError(f"Can't write to {folder} ({error.strerror}).") from None
    if is_empty:
        write_atomically(mark_file, _export_mark(request, version))
        return
    expected = orjson.loads(_export_mark(request, version))
    if read_mark(mark_file) | {"sha256": {}} != expected:
        raise PermanentError(
            f"{folder} contains something else than {expected['name']} v{expected['version']} as "
            f"{expected['images']}. Choose another --out."
        )
    (folder / MANIFEST).unlink(missing_ok=True)


def finish_export(request: ExportRequest, version: FrozenVersion, bodies: Mapping[str, bytes]) -> None:
    """Write the files beside the pictures; the manifest comes last: a folder with a manifest is complete."""
    for name, body in bodies.items():
        if name != MANIFEST:
            write_atomically(request.folder / name, body)
    write_atomically(request.folder / EXPORT, _export_mark(request, version, bodies[MANIFEST]))
    write_atomically(request.folder / MANIFEST, bodies[MANIFEST])
    _remove_parts(request.folder)


def _export_mark(request: ExportRequest, version: FrozenVersion, manifest: bytes | None = None) -> bytes:
    """Return the contents of export.json, with the digest of the manifest once it is known."""
    head = version.frozen.head
    mark = {
        "name": head["name"],
        "version": head["version"],
        "digest": head["digest"],
        "images": "references" if request.images == "reference" else "files",
    }
    if request.form != "folder":
        mark |= {"images": request.form, "shard_bytes": request.shard_bytes}
    mark["sha256"] = {} if manifest is None else {MANIFEST: hashlib.sha256(manifest).hexdigest()}
    return orjson.dumps(mark, option=orjson.OPT_INDENT_2) + b"\n"


def read_mark(path: Path) -> dict[str, Any]:
    """Return the contents of export.json; nothing if it can't be read."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _wanted(frozen: FrozenSet, locations: ImageLocations) -> Iterator[WantedImage]:
    columns = [frozen.table[name].to_pylist() for name in ("file_name", "key", "sha256")]
    for file_name, key, sha256 in zip(*columns, strict=True):
        if key in locations.buckets:
            yield WantedImage(file_name, key, Location(locations.buckets[key], key), sha256)


def _write_references(path: Path, body: bytes) -> None:
    """Write the locations for the owner only: names of buckets tell when images arrived."""
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)  # an existing file would keep its mode
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
    part.replace(path)


def _references(frozen: FrozenSet, locations: ImageLocations) -> bytes:
    """Return a table with the location of every image."""
    import pyarrow as pa

    names, keys, digests = (frozen.table[name].to_pylist() for name in ("file_name", "key", "sha256"))
    urls = [f"s3://{locations.buckets[key]}/{key}" for key in keys]
    return csv_text(pa.table({"file_name": names, "url": urls, "sha256": digests}))


def files_by_digest(folder: Path) -> dict[str, Path]:
    """Return the pictures of an earlier export by SHA-256; PermanentError if the folder isn't an export."""
    try:
        manifest = parse_manifest((folder / MANIFEST).read_bytes())
    except OSError:
        raise PermanentError(f"{folder} is not a finished export: it has no {MANIFEST}.") from None
    return {
        image["sha256"]: folder / image["split"] / image["key"]
        for image in manifest["images"]
        if is_image_key(image["key"]) and image["split"] in SPLITS
    }


def _remove_parts(folder: Path) -> None:
    """Remove partial files of an interrupted run."""
    for path in folder.rglob(f"*{PART}"):
        path.unlink()
