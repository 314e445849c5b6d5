"""Small images in every compressed transfer syntax, and all places of a code stream that decoders skip."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_encoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from deidentification.pixels.stored_bits import stored_frame
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from imaging.dataset.newer_uids import JPEGXL, DeflatedFrames, JPEGXLLossless
from tests.support.factories import PSEUDONYMS, make_grey, to_bytes, to_image_file

MARKER = b"ZMARKERQ^MUELLERSDORF"
SYNTAXES = [
    RLELossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
    JPEGXLLossless,
    JPEGXL,
    DeflatedFrames,
]
JPEGS = frozenset([JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1])
JPEG_LS = frozenset([JPEGLSLossless, JPEGLSNearLossless])
JPEG_2000 = frozenset([JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
Stream = bytes
Plant = Callable[[Stream], Stream]


@dataclass(frozen=True)
class Place:
    """A place of a code stream where a marker can be planted."""

    name: str
    plant: Plant


def picture(bits: int) -> np.ndarray:
    """A smooth picture with some noise, of shape (48, 80) and of unsigned `bits`."""
    y, x = np.mgrid[:48, :80]
    noise = np.random.default_rng(1).random((48, 80)) / 40
    waves = (np.sin(x / 9) * np.cos(y / 7) + 1) / 2.1 + noise
    return (waves * ((1 << bits) - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def encode(values: np.ndarray, syntax: UID, bits: int) -> Stream:
    """A code stream of grey values of `bits` stored bits; other bits of lossless ones are encoded too."""
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return bytes(imagecodecs.jpeg8_encode(values, level=90, bitspersample=bits))
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        return bytes(imagecodecs.jpeg8_encode(values, lossless=True, predictor=1, bitspersample=bits))
    if syntax in JPEG_LS:
        return bytes(imagecodecs.jpegls_encode(values, level=2 if syntax == JPEGLSNearLossless else 0))
    if syntax in (JPEG2000Lossless, JPEG2000):
        level = 0 if syntax == JPEG2000Lossless else 60
        return bytes(imagecodecs.jpeg2k_encode(values, level, codecformat="J2K", bitspersample=bits))
    if syntax in JPEG_2000:
        return bytes(imagecodecs.htj2k_encode(values))
    if syntax in (JPEGXLLossless, JPEGXL):
        return bytes(imagecodecs.jpegxl_encode(values, lossless=syntax == JPEGXLLossless, usecontainer=False))
    if syntax == DeflatedFrames:
        return zlib.compress(values.tobytes(), wbits=-zlib.MAX_WBITS)
    rows, columns = values.shape
    return bytes(
        get_encoder(RLELossless).encode(
            values,
            encoding_plugin="pydicom",
            rows=rows,
            columns=columns,
            number_of_frames=1,
            samples_per_pixel=1,
            bits_allocated=8 * values.itemsize,
            bits_stored=8 * values.itemsize,
            pixel_representation=0,
            photometric_interpretation="MONOCHROME2",
        )
    )


def bits_of(syntax: UID) -> int:
    """The stored bits of the pictures of a transfer syntax here."""
    return 8 if syntax in (JPEGBaseline8Bit, JPEGXL) else 12


def dataset_of(streams: list[Stream], syntax: UID, values: np.ndarray, **elements: Any) -> FileDataset:
    """A data set with code streams as its frames, one fragment each; `values` gives rows and columns."""
    ds = make_grey(values, **elements)
    if len(streams) > 1:
        ds.NumberOfFrames = len(streams)
    ds.PixelData = encapsulate(streams)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def grey_dataset(streams: list[Stream], syntax: UID) -> FileDataset:
    """A data set of code streams made from `picture`."""
    bits = bits_of(syntax)
    return dataset_of(streams, syntax, picture(bits), BitsStored=bits, HighBit=bits - 1)


def deidentified(ds: FileDataset | bytes, folder: Path) -> bytes:
    """The bytes of the de-identified file."""
    instance = deidentify(to_image_file(ds, folder), PSEUDONYMS, Profile())
    buffer = io.BytesIO()
    instance.write(buffer)
    return buffer.getvalue()


def values_of(ds: FileDataset | bytes, folder: Path) -> list[np.ndarray]:
    """The stored values of all frames."""
    image_file = to_image_file(ds, folder)
    return [stored_frame(frame, image_file.ds) for frame in image_file.frames()]


def first_stream(ds: FileDataset) -> Stream:
    """The code stream of the first frame."""
    number = int(ds.get("NumberOfFrames") or 1)
    return next(generate_frames(ds.PixelData, number_of_frames=number))


def file_of(ds: FileDataset) -> bytes:
    """The bytes of a data set's file."""
    return to_bytes(ds)


def places(syntax: UID) -> list[Place]:
    """Places of the code streams of a transfer syntax that don't change its pixels."""
    tail = Place("behind the end", lambda stream: stream + MARKER)
    if syntax in JPEGS | JPEG_LS:
        return [*_jpeg_places(syntax), tail]
    if syntax in JPEG_2000:
        return [*_jpeg_2000_places(), tail]
    if syntax in (JPEGXLLossless, JPEGXL):
        return [*_jpeg_xl_places(), tail]
    return [*_rle_places(), tail] if syntax == RLELossless else [tail]


def segment(code: int, body: bytes = MARKER) -> bytes:
    """A marker segment of JPEG."""
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def _jpeg_places(syntax: UID) -> Iterator[Place]:
    def behind_start(inserted: bytes) -> Plant:
        return lambda stream: stream[:2] + inserted + stream[2:]

    def before_end(inserted: bytes) -> Plant:
        return lambda stream: stream[: stream.rindex(b"\xff\xd9")] + inserted + b"\xff\xd9"

    yield Place("comment", behind_start(segment(0xFE)))
    for code in range(0xE0, 0xF0):
        yield Place(f"application segment {code - 0xE0}", behind_start(segment(code)))
    yield Place("the longest application segment", behind_start(segment(0xE1, MARKER * 3000)))
    yield Place("many application segments", behind_start(segment(0xED) * 500))
    thumbnail = b"JFIF\0\1\1\0\0\1\0\1\7\1" + MARKER
    yield Place("JFIF thumbnail", behind_start(segment(0xE0, thumbnail)))
    yield Place("long Adobe segment", behind_start(segment(0xEE, b"Adobe\0\x64\0\0\0\0\0" + MARKER)))
    yield Place("a second image", lambda stream: stream + b"\xff\xd8" + segment(0xFE) + stream[2:])
    if syntax in JPEG_LS:
        return
    yield Place("fill bytes", behind_start(b"\xff" * 8 + segment(0xFE)))
    yield Place("unused quantization table", behind_start(segment(0xDB, b"\3" + MARKER.ljust(64, b"Z"))))
    symbols = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]) + b"ZMARKERQ^LSD"
    yield Place("unused Huffman table", behind_start(segment(0xC4, b"\x13" + symbols)))
    yield Place("comment behind the scan", before_end(segment(0xFE)))
    yield Place("the scan's tail", before_end(MARKER))
    yield Place("between scan and end", before_end(b"\xff" * 5 + segment(0xEB)))


def _jpeg_2000_places() -> Iterator[Place]:
    def in_main_header(stream: Stream) -> Stream:
        tile = stream.index(b"\xff\x90\x00\x0a")
        return stream[:tile] + segment(0x64, b"\0\1" + MARKER) + stream[tile:]

    def in_tile_header(stream: Stream) -> Stream:
        tile, data = stream.index(b"\xff\x90\x00\x0a"), stream.index(b"\xff\x93")
        return _longer_tile(stream, tile, data, segment(0x64, b"\0\1" + MARKER))

    def in_tile_tail(stream: Stream) -> Stream:
        return _longer_tile(stream, stream.index(b"\xff\x90\x00\x0a"), len(stream) - 2, MARKER)

    yield Place("comment", in_main_header)
    yield Place("comment of a tile", in_tile_header)
    yield Place("the tile's tail", in_tile_tail)
    for kind in (b"uuid", b"xml "):
        yield Place(f"JP2 box {kind.decode()}", lambda stream, kind=kind: _jp2(kind) + stream)


def _longer_tile(stream: Stream, tile: int, position: int, inserted: bytes) -> Stream:
    """The stream with bytes inserted in its first tile part, whose length is corrected (Psot)."""
    (length,) = struct.unpack(">L", stream[tile + 6 : tile + 10])
    corrected = struct.pack(">L", length + len(inserted) if length else 0)
    return stream[: tile + 6] + corrected + stream[tile + 10 : position] + inserted + stream[position:]


def _jp2(kind: bytes) -> bytes:
    """The start of a JP2 file with a box before that of the code stream."""
    head = _box(b"jP  ", b"\r\n\x87\n") + _box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    size = struct.pack(">LLHBBBB", 48, 80, 1, 11, 7, 0, 0)
    described = _box(b"jp2h", _box(b"ihdr", size) + _box(b"colr", b"\1\0\0" + struct.pack(">L", 17)))
    return head + described + _box(kind, MARKER) + b"\0\0\0\0jp2c"


def _jpeg_xl_places() -> Iterator[Place]:
    def container(*before: tuple[bytes, bytes], after: bytes = b"") -> Plant:
        def plant(stream: Stream) -> Stream:
            head = _box(b"JXL ", b"\r\n\x87\n") + _box(b"ftyp", b"jxl \0\0\0\0jxl ")
            boxes = b"".join(_box(kind, body) for kind, body in before)
            return head + boxes + _box(b"jxlc", stream) + after

        return plant

    for kind in (b"Exif", b"xml ", b"jumb", b"uuid"):
        yield Place(f"box {kind.decode()}", container((kind, b"\0\0\0\0" + MARKER)))
        yield Place(f"box {kind.decode()} behind", container(after=_box(kind, b"\0\0\0\0" + MARKER)))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", 8 + len(body)) + kind + body


def _rle_places() -> Iterator[Place]:
    def in_header(stream: Stream) -> Stream:
        used = 4 * (1 + stream[0])
        return stream[:used] + MARKER[: 64 - used] + stream[used + len(MARKER[: 64 - used]) :]

    def in_gap(stream: Stream) -> Stream:
        offsets = list(struct.unpack("<16L", stream[:64]))
        second = offsets[2]
        moved = [offset + len(MARKER) if offset >= second else offset for offset in offsets[1:]]
        return struct.pack("<16L", offsets[0], *moved) + stream[64:second] + MARKER + stream[second:]

    def before_first(stream: Stream) -> Stream:
        offsets = struct.unpack("<16L", stream[:64])
        moved = [offset + len(MARKER) if offset else 0 for offset in offsets[1:]]
        return struct.pack("<16L", offsets[0], *moved) + MARKER + stream[64:]

    yield Place("unused offsets", in_header)
    yield Place("gap between segments", in_gap)
    yield Place("gap before the first segment", before_first)
