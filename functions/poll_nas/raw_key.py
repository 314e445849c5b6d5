"""Keys in raw for files on the NAS: readable, legal in S3, and different for every file."""

import hashlib
import re
from collections.abc import Container

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


def path_for_key(path: str, *, has_name_of_folder: bool) -> str:
    """The path from which the key of an archive's file is made.

    An archive may hold a file `ct` and a file `ct/1.dcm`. The key of the one would hide the other from
    every listing of MinIO, so it gets an ending that no other file has.
    """
    return f"{path}\0file" if has_name_of_folder else path


def parents(key: str) -> list[str]:
    """The keys of which one, if a file has it, would hide this key from every listing of MinIO."""
    parts = key.split("/")
    return ["/".join(parts[:length]) for length in range(2, len(parts))]


def beside_files(key: str, known: Container[str]) -> str:
    """The key, outside the keys of files: a folder may come under the name of an earlier file.

    `known` has those of its parents that are keys of files.
    """
    hiding = next((parent for parent in parents(key) if parent in known), None)
    return key if hiding is None else f"{hiding}%00folder{key.removeprefix(hiding)}"


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
