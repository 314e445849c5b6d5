"""One small file of every transfer syntax that is drawn, and random damage to files."""

import struct
from collections.abc import Callable

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from tests.support.code_streams import SYNTAXES, bits_of, dataset_of, encode, file_of, grey_dataset, picture
from tests.support.factories import make_dataset, real_path, to_bytes

# Files of scanners and toolkits that the package pydicom ships.
REAL_FILES = """CT_small MR_small_RLE MR_small_bigendian MR_small_implicit MR_small_jp2klossless
    MR_small_jpeg_ls_lossless JPEG-LL JPGExtended SC_rgb_jpeg SC_rgb_rle_2frame JPEG2000 image_dfl
    examples_palette liver_1frame rtdose_1frame emri_small_jpeg_2k_lossless""".split()
_COLOUR_FILES = """SC_rgb_jpeg_lossy_gdcm SC_rgb_gdcm_KY SC_rgb_jls_lossy_line SC_rgb_jls_lossy_sample
    SC_rgb_rle_16bit SC_rgb_small_odd_jpeg GDCMJ2K_TextGBR
    SC_ybr_full_422_uncompressed""".split()
UNDECODED = "encapsulated uncompressed"  # the one transfer syntax here that is refused
_SIZE_TAGS = (b"\x28\x00\x10\x00", b"\x28\x00\x11\x00", b"\x28\x00\x08\x00", b"\x28\x00\x00\x01")
_MARKERS = bytes(
    [0xC0, 0xC1, 0xC3, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xF7, 0xF8, 0x4F, 0x51, 0x52, 0x5C, 0x90, 0x93]
)
_LEAST = 200  # bytes: the preamble, and something behind it
Random = np.random.Generator
Mutation = Callable[[bytearray, Random], bytearray]


def files_of_every_codec() -> dict[str, bytes]:
    """The bytes of one file of each codec, in one and in two frames, and of real files, by name."""
    files = {}
    for syntax in SYNTAXES:
        stream = encode(picture(bits_of(syntax)), syntax, bits_of(syntax))
        files[syntax.name] = file_of(grey_dataset([stream], syntax))
        files[f"{syntax.name}, 2 frames"] = file_of(grey_dataset([stream, stream], syntax))
    files[UNDECODED] = _encapsulated_uncompressed()
    for name in REAL_FILES:
        files[name] = real_path(f"{name}.dcm").read_bytes()
    for name in _COLOUR_FILES:  # some of these have no UIDs
        uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "SOPInstanceUID": "1.2.3.1.1"}
        files[name] = to_bytes(make_dataset(name=f"{name}.dcm", **uids))
    return files


def _encapsulated_uncompressed() -> bytes:
    values = picture(12)
    syntax = UID("1.2.840.10008.1.2.1.98")  # PS3.5 A.4.11
    ds = dataset_of([values.astype("<u2").tobytes()], syntax, values, BitsStored=12, HighBit=11)
    ds.PixelData = encapsulate([values.astype("<u2").tobytes()])
    return file_of(ds)


def _changed_bytes(data: bytearray, random: Random) -> bytearray:
    for index in random.integers(132, len(data), random.integers(1, 30)):
        data[index] = random.integers(0, 256)
    return data


def _cut(data: bytearray, random: Random) -> bytearray:
    return data[: random.integers(1, len(data))]


def _hole(data: bytearray, random: Random) -> bytearray:
    first = int(random.integers(132, len(data)))
    return data[:first] + data[first + int(random.integers(1, 5000)) :]


def _duplicated_part(data: bytearray, random: Random) -> bytearray:
    first = int(random.integers(132, len(data)))
    return data[:first] + data[first : first + int(random.integers(1, 5000))] + data[first:]


def _wrong_size(data: bytearray, random: Random) -> bytearray:
    """Change the value of Rows, Columns, NumberOfFrames or BitsAllocated."""
    index = data.find(_SIZE_TAGS[random.integers(0, len(_SIZE_TAGS))], 132)
    if index >= 0:
        data[index + 8 : index + 10] = struct.pack("<H", int(random.integers(0, 65536)))
    return data


def _wrong_length(data: bytearray, random: Random) -> bytearray:
    """Change the length field of one element."""
    index = int(random.integers(132, min(len(data) - 8, 4000))) & ~1
    lengths = (0, 1, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, int(random.integers(0, 1 << 32)))
    data[index + 4 : index + 8] = struct.pack("<L", lengths[random.integers(0, len(lengths))])
    return data


def _damaged_stream(data: bytearray, random: Random) -> bytearray:
    """Change bytes in the first part of a code stream, where codecs have their sizes and tables."""
    start = max(data.rfind(b"\xfe\xff\x00\xe0", 0, len(data) - 64), data.find(b"\xe0\x7f\x10\x00"), 132) + 8
    for _ in range(random.integers(1, 4)):
        data[min(start + int(random.integers(0, 200)), len(data) - 1)] = random.integers(0, 256)
    return data


def _wrong_segment(data: bytearray, random: Random) -> bytearray:
    """Change the length or the content of one marker segment of a JPEG family stream (ISO/IEC 10918-1)."""
    code = bytes([0xFF, _MARKERS[random.integers(0, len(_MARKERS))]])
    index = data.find(code, len(data) // 4)
    if 0 <= index < len(data) - 12:
        values = (0, 1, 2, 0x7FFF, 0xFFFF, int(random.integers(0, 65536)))
        offset = index + 2 * int(random.integers(1, 5))
        data[offset : offset + 2] = struct.pack(">H", values[random.integers(0, len(values))])
    return data


MUTATIONS: list[Mutation] = [
    _changed_bytes,
    _changed_bytes,
    _cut,
    _hole,
    _duplicated_part,
    _wrong_size,
    _wrong_length,
]
_STREAM_MUTATIONS: list[Mutation] = [_damaged_stream, _damaged_stream, _wrong_segment]


def mutated(data: bytes, random: Random) -> bytes:
    """The file damaged once or twice, unless the first damage leaves next to nothing of it."""
    mutations = [*MUTATIONS, *_STREAM_MUTATIONS]
    damaged = bytearray(data)
    for _ in range(random.integers(1, 3)):
        if len(damaged) > _LEAST:
            damaged = mutations[random.integers(0, len(mutations))](damaged, random)
    return bytes(damaged)
