"""Publish a finished export: copy it, read it back, and go on where an interrupted run ended.

The first file at the target is export.json with the digest of the manifest: it marks the target as this
version, and two different versions can't both create it. The manifest comes last: a target that has it is
complete.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

from common.errors import DependencyAwayError, PermanentError, PipelineError
from training_set.export.export_folder import EXPORT, read_mark
from training_set.export.image_files import file_digest
from training_set.export.progress import Progress
from training_set.export.verify import verify
from training_set.publish.target import Target, target_error
from training_set.versions.frozen_files import parse_manifest
from training_set.versions.frozen_set import MANIFEST

_AT_A_TIME = 8
_BATCH = 1000


@dataclass(frozen=True)
class Published:
    """What was done at the target."""

    copied: int  # files
    kept: int  # files that were there, as they should be
    bytes: int  # of all files


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    sha256: str


def publish(folder: Path, target: Target, report: Callable[[str], None]) -> Published:
    """Copy the export in `folder` to the target and verify every file there by size and SHA-256.

    Raises PermanentError if the folder is not a faultless export, or if the target contains anything else
    than this export or a part of it; then nothing has changed there.
    """
    files = _files(folder, report)
    try:
        there = _marked(folder, target, {each.name for each in files})
        progress = Progress(len(files), "files", report)

        def copy(file: _File) -> bool:
            is_new = _copied(folder, target, file, is_there=file.name in there)
            progress.advance()
            return is_new

        *others, manifest = files
        copied = sum(_in_parallel(copy, others)) + copy(manifest)
    except (PipelineError, OSError) as error:
        raise target_error(error, target) from None
    return Published(copied, len(files) - copied, sum(each.size for each in files))


def _files(folder: Path, report: Callable[[str], None]) -> list[_File]:
    """Return the files of an export after verifying them; the manifest last, without export.json."""
    report(f"Verifying {folder}.")
    fault = next(verify(folder, report), None)
    if fault is not None:
        raise PermanentError(f"{folder} is not published, because it is not as it was written: {fault}")
    manifest = parse_manifest((folder / MANIFEST).read_bytes())
    digests = dict(manifest["files"])
    if read_mark(folder / EXPORT)["images"] == "files":
        digests |= {f"{image['split']}/{image['key']}": image["sha256"] for image in manifest["images"]}
    digests = dict(sorted(digests.items())) | {MANIFEST: file_digest(folder / MANIFEST)}
    return [_File(name, (folder / name).stat().st_size, digest) for name, digest in digests.items()]


def _marked(folder: Path, target: Target, expected: set[str]) -> set[str]:
    """Mark an empty target, or check that it has this mark. Return the names of its files."""
    mark = (folder / EXPORT).read_bytes()
    there = target.names()
    if not there and target.put_new(EXPORT, mark):
        return set()
    found = target.read(EXPORT)
    if found != mark:
        raise PermanentError(
            f"{target.url} contains {_contents(found)}. A target is never overwritten. Choose another --to."
        )
    others = sorted(there - expected - {EXPORT})
    if others:
        raise PermanentError(
            f"{target.url} contains {len(others)} file(s) that are not part of the export, such as "
            f"{others[0]}. Remove them, or choose another --to."
        )
    return there


def _contents(mark: bytes | None) -> str:
    """Return what a target contains by its mark."""
    try:
        found = orjson.loads(mark or b"")
        return (
            f"{found['name']} v{found['version']} as {found['images']}, written with other content or options"
        )
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "something else than a published training set"


def _copied(folder: Path, target: Target, file: _File, *, is_there: bool) -> bool:
    """Copy a file unless it is there, and verify it by reading it back. Return whether it was copied."""
    expected = (file.size, file.sha256)
    found = target.digest(file.name) if is_there else None
    if found == expected:
        return False
    if found is not None:
        raise PermanentError(
            f"{file.name} at {target.url} has other content, and is not overwritten. Remove it and try again."
        )
    target.put(file.name, folder / file.name)
    if target.digest(file.name) != expected:
        raise DependencyAwayError(f"{file.name} was read back with other content than was written")
    return True


def _in_parallel(copy: Callable[[_File], bool], files: Sequence[_File]) -> Iterator[bool]:
    """Copy in batches, because a queue of all could hold millions."""
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        for begin in range(0, len(files), _BATCH):
            yield from threads.map(copy, files[begin : begin + _BATCH])
