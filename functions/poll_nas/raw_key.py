"""Keys in raw for files on the NAS: readable, legal in S3, and different for every file."""

import hashlib
import re

from common.nas.system_names import is_viewer_file, system_name
from common.store.object_key import NAS

MAX_PART_BYTES = 200
MAX_KEY_BYTES = 980  # S3 allows 1024; quarantine adds the bucket before it and an ETag after it
_JUNK_NAME = re.compile(r"^(~\$|\._)")  # Office's locks, and what macOS stores beside a file
_FOLDER_SUFFIX = "__XLDIR__"  # MinIO stores "a/" as "a__XLDIR__", and lists no key below such a part
# Control characters, the percent sign itself, backslashes, and bytes that are not UTF-8.
_ESCAPED = re.compile(r"[\x00-\x1f\x7f%\\\udc80-\udcff]")


def junk_cause(path: str) -> str | None:
    """The cause why a file of this name is never copied, or None."""
    parts = path.split("/")
    for part in parts:
        if (name := system_name(part)) is not None:
            return f"system file ({name})"
    if is_viewer_file(parts[-1]):
        return "part of a viewer, not an image"
    return "temporary file" if _JUNK_NAME.search(parts[-1]) else None


def raw_key(folder: str, generation: int, path: str, version: int) -> str:
    """The key in raw of one content of a file.

    Later folders of the same name and later contents of the same path get ~2, ~3, and so on.
    """
    parts = [_later(_part(folder), generation)] if folder else []
    parts += [_part(part) for part in path.split("/")]
    parts[-1] = _later(parts[-1], version)
    key = NAS + "/".join(parts)
    if len(key.encode()) <= MAX_KEY_BYTES:
        return key
    # The folders between the first one and the file are replaced by a digest of the key.
    return NAS + "/".join([parts[0], _shortened(key), parts[-1]])


def locked_archive_key(folder: str, generation: int, path: str, version: int) -> str:
    """The key in raw of an archive that can't be unpacked, beside the keys that its files would have."""
    return raw_key(folder, generation, f"{path}/\0archive", version)  # no file's name has a NUL


def _later(part: str, number: int) -> str:
    return part if number == 1 else f"{part}~{number}"


def _part(name: str) -> str:
    """One path component in characters that every object store accepts."""
    # Our own keys end in a tilde and a number, so a name on the NAS that ends so is escaped.
    escaped = re.sub(r"~(?=\d+$)", "%7E", _ESCAPED.sub(_escape, name))
    if escaped.endswith(_FOLDER_SUFFIX):
        escaped = escaped.removesuffix(_FOLDER_SUFFIX) + "%5F" + _FOLDER_SUFFIX[1:]
    if len(escaped.encode()) <= MAX_PART_BYTES:
        return escaped
    return escaped.encode()[: MAX_PART_BYTES - 20].decode("utf-8", "ignore") + _shortened(name)


def _shortened(text: str) -> str:
    """A digest in place of a longer text; no escaped name has a percent sign before a tilde."""
    return "%~" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))
