"""Verify that the shards of an export hold the pictures that its manifest lists, in the same order."""

import hashlib
import tarfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa

from training_set.formats.shard_format import ShardFormat, shard_format

_UNREADABLE = (OSError, KeyError, TypeError, ValueError, pa.ArrowException, tarfile.TarError)
_Picture = tuple[str, str]  # path and SHA-256


def wrong_shards(folder: Path, manifest: dict[str, Any], form_name: str) -> Iterator[str]:
    """Yield a sentence for each split whose shards hold other pictures than the manifest lists."""
    form = shard_format(form_name)
    for split in manifest["settings"]["splits"]:
        pattern = form.pattern.format(split=split)
        names = sorted(name for name in manifest["files"] if fnmatchcase(name, pattern))
        expected = (
            (f"{image['split']}/{image['key']}", image["sha256"])
            for image in manifest["images"]
            if image["split"] == split
        )
        try:
            for found, listed in zip_longest(_pictures(folder, names, form), expected):
                if found != listed:
                    name = (listed or found or ("",))[0]
                    yield f"The shards of {split} differ from the manifest at {name}."
                    break
        except _UNREADABLE:
            yield f"The shards of {split} can't be read."


def _pictures(folder: Path, names: list[str], form: ShardFormat) -> Iterator[_Picture]:
    for name in names:
        for path, body in form.pictures(folder / name):
            yield path, hashlib.sha256(body).hexdigest()
