"""A digest of what an image file says: its attributes and pixels, however they are encoded."""

import hashlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import (
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from imaging.dataset.canonical_form import LONG_LENGTH_VRS, UnclearEncodingError, canonical_form
from imaging.dataset.newer_uids import DeflatedFrames, JPEGXLLossless
from imaging.frames.image_file import ImageFile
from imaging.frames.stored_value import stored_value

# Every decoder gives the same values for these. A lossy code stream is compared as it is.
_EXACT = frozenset(
    [
        *(RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless),
        *(HTJ2KLossless, HTJ2KLosslessRPCL, JPEGXLLossless, DeflatedFrames),
    ]
)
_PIECE = 32768  # values; small enough for a processor's cache
_META = 128 + 4  # the preamble and the prefix DICM (PS3.10 section 7.1)


class ContentDigest:
    """The digest of one image file.

    Of native and losslessly compressed pixels it contains the stored values, which are added while the
    frames are decoded anyway. Of lossy ones it contains the code streams. The preamble, the file meta
    information and what follows the pixel data are left out. A data set that can't be read element by
    element counts with every byte of its file.
    """

    def __init__(self, image_file: ImageFile) -> None:
        self._image_file = image_file
        self._has_values = not image_file.pixels.is_encapsulated or (
            image_file.ds.file_meta.TransferSyntaxUID in _EXACT
        )
        self._values = hashlib.sha256()
        self._stored = stored_value(image_file.ds)
        self._bytes = max(int(image_file.ds.BitsAllocated), 8) // 8

    def add(self, frame: NDArray[Any]) -> None:
        """Add the next frame as it was decoded, in order."""
        if not self._has_values:
            return
        flat = np.ascontiguousarray(frame).reshape(-1)
        is_grey = frame.ndim == 2 and frame.dtype.kind in "iu"
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            values = self._stored.values(piece) if is_grey else piece
            form = np.dtype(f"<{values.dtype.kind}{self._bytes}")
            self._values.update(values.astype(form, copy=False).data)

    def digest(self) -> bytes:
        """The SHA-256, once every frame was added."""
        file = self._image_file
        try:
            whole = hashlib.sha256(_attributes(file))
        except UnclearEncodingError:
            with file.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").digest()
        if not self._has_values:
            whole.update(str(file.ds.file_meta.TransferSyntaxUID).encode())
            for frame in file.pixels.frames(file.ds, file.number_of_frames):
                self._values.update(len(frame).to_bytes(8))
                self._values.update(frame)
        whole.update(self._values.digest())
        return whole.digest()


def _attributes(file: ImageFile) -> bytes:
    is_implicit, is_little = file.ds.original_encoding
    syntax = file.ds.file_meta.TransferSyntaxUID
    data = _start(file.path, None if syntax.is_deflated else file.pixels.offset)
    start = _end_of_meta(data)
    if syntax.is_deflated:
        try:
            data, start = zlib.decompress(data[start:], -zlib.MAX_WBITS), 0
        except zlib.error:
            raise UnclearEncodingError from None
    return canonical_form(data, start, is_implicit=bool(is_implicit), is_big_endian=not is_little)


def _start(path: Path, length: int | None) -> bytes:
    with path.open("rb") as stream:
        return stream.read(-1 if length is None else length)


def _end_of_meta(data: bytes) -> int:
    """Where the data set begins: behind the elements of group 2, always in explicit VR little endian."""
    position = _META
    while data[position : position + 2] == b"\2\0":
        is_long = data[position + 4 : position + 6] in LONG_LENGTH_VRS
        field = slice(position + 8, position + 12) if is_long else slice(position + 6, position + 8)
        position = field.stop + int.from_bytes(data[field], "little")
    return position
