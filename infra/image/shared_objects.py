"""Shared libraries of an image: which of them programs need, and what of them a processor loads."""

import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_FOUND = re.compile(r"(?:=> )?(/\S+) \(0x")  # a line of the dynamic loader: name => path (address)
_TAG = re.compile(r"\.(cpython-\w+[\w-]*|abi3)\.")  # of an extension module (PEP 3149)
# The header and the program headers of ELF for 64 bits, little-endian (System V ABI, chapters 4 and 5).
_ELF64 = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")


def shared_objects(folder: Path) -> list[Path]:
    """The shared libraries and the extension modules below a folder, in order."""
    return sorted(path for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink())


def is_library(path: Path) -> bool:
    """Whether a file of a package is loaded by others only: its name has no tag of Python."""
    return path.name.startswith("lib") and not _TAG.search(path.name)


def libraries(programs: Iterable[Path]) -> set[Path]:
    """The shared libraries that programs load, as the dynamic loader of this machine finds them."""
    loader = _loader()
    needed = {loader}
    for program in programs:
        listed = subprocess.run(
            [str(loader), "--list", str(program)], capture_output=True, text=True, check=False
        )
        if missing := re.findall(r"(\S+) => not found", listed.stdout):
            raise FileNotFoundError(f"{program} needs {', '.join(missing)}, which the base image lacks.")
        needed |= {Path(os.path.normpath(found)) for found in _FOUND.findall(listed.stdout)}
    return needed


def _loader() -> Path:
    """The dynamic loader that the interpreter names."""
    text = Path(sys.executable).resolve().read_bytes()
    found = re.search(rb"/lib[0-9]*/ld-linux[^\0]*\.so\.[0-9]", text)
    if found is None:
        raise FileNotFoundError("The interpreter of the base image names no dynamic loader.")
    return Path(found[0].decode())


def loaded_part(data: bytes) -> bytes:
    """A shared library without what is only for linkers and debuggers; other files come back unchanged.

    What a processor loads are segments. Symbols and debugging data are sections behind the last segment, so
    the file ends there, and its header names no sections.
    """
    if not data.startswith(_ELF64):
        return data
    ident, *fields = _HEADER.unpack_from(data)
    first, size, number = fields[4], fields[8], fields[9]
    segments = [_SEGMENT.unpack_from(data, first + size * index) for index in range(number)]
    end = max(first + size * number, *(offset + length for _, _, offset, _, _, length, *_ in segments))
    fields[5] = fields[11] = fields[12] = 0  # where the section headers are, how many, and their names
    return _HEADER.pack(ident, *fields) + data[_HEADER.size : end]
