"""Nothing is hidden in sequential JPEG frames, and their pixels stay the same."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from tests.support.code_streams import (
    MARKER,
    dataset_of,
    deidentified,
    file_of,
    first_stream,
    picture,
    segment,
    values_of,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def _colour(**options: object) -> bytes:
    grey = picture(8)
    values = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    return bytes(imagecodecs.jpeg8_encode(values, **options))


def _colour_dataset(stream: bytes) -> FileDataset:
    elements = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "YBR_FULL_422"}
    return dataset_of([stream], JPEGBaseline8Bit, picture(8), **elements)


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "411"])
@pytest.mark.parametrize("optimize", [False, True])
def test_colour_jpegs_are_rebuilt(subsampling: str, optimize: bool, tmp_path: Path) -> None:
    """Every sampling and both kinds of Huffman tables: the transfer syntax and the pixels stay."""
    ds = _colour_dataset(_colour(level=80, subsampling=subsampling, optimize=optimize))
    data = deidentified(ds, tmp_path)
    assert JPEGBaseline8Bit == pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID
    assert np.array_equal(values_of(ds, tmp_path), values_of(data, tmp_path))


def _by_pillow(values: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def test_restart_intervals_are_kept(tmp_path: Path) -> None:
    """A JPEG with restart markers is rebuilt with them."""
    stream = _by_pillow(picture(8), restart_marker_blocks=3)
    assert b"\xff\xd7" in stream
    ds = dataset_of([stream], JPEGBaseline8Bit, picture(8))
    data = deidentified(ds, tmp_path)
    assert JPEGBaseline8Bit == pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID
    assert stream.count(b"\xff\xd3") == first_stream(pydicom.dcmread(io.BytesIO(data))).count(b"\xff\xd3")
    assert np.array_equal(values_of(ds, tmp_path), values_of(data, tmp_path))


@pytest.mark.parametrize("code", range(0xD0, 0xD8))
def test_a_marker_before_a_restart_is_removed(code: int, tmp_path: Path) -> None:
    """Decoders skip what stands between the last block of an interval and the restart marker."""
    stream = _by_pillow(picture(8), restart_marker_blocks=3)
    restart = stream.index(bytes([0xFF, code]))
    ds = dataset_of([stream[:restart] + MARKER + stream[restart:]], JPEGBaseline8Bit, picture(8))
    data = deidentified(ds, tmp_path)
    assert MARKER not in data
    assert np.array_equal(values_of(ds, tmp_path), values_of(data, tmp_path))


def test_unused_parts_of_used_tables_are_replaced(tmp_path: Path) -> None:
    """Symbols whose codes don't occur, and factors of coefficients that are all zero, could be text."""
    flat = np.full((48, 80), 77, np.uint8)
    stream = bytes(imagecodecs.jpeg8_encode(flat, level=90))
    table = stream.index(b"\xff\xdb") + 5
    stream = stream[: table + 20] + MARKER + stream[table + 20 + len(MARKER) :]
    table = stream.index(b"\xff\xc4", stream.index(b"\xff\xc4") + 2) + 5 + 16  # of AC coefficients
    symbols = bytearray(stream[table : table + 162])
    for index, letter in enumerate(b"ZARGESIF"):
        other = symbols.index(letter)
        symbols[100 + index], symbols[other] = letter, symbols[100 + index]
    stream = stream[:table] + bytes(symbols) + stream[table + 162 :]
    ds = dataset_of([stream], JPEGBaseline8Bit, flat)
    assert b"ZARGESIF" in file_of(ds)
    data = deidentified(ds, tmp_path)
    assert JPEGBaseline8Bit == pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID
    assert b"ZARGES" not in data
    assert MARKER[-8:] not in data
    assert np.array_equal(values_of(ds, tmp_path), values_of(data, tmp_path))


def test_a_progressive_jpeg_is_written_decoded(tmp_path: Path) -> None:
    """Between its scans may stand anything, so it is not copied."""
    stream = _by_pillow(picture(8), progressive=True)
    scan = stream.index(b"\xff\xda", stream.index(b"\xff\xda") + 2)
    ds = dataset_of([stream[:scan] + segment(0xFE) + stream[scan:]], JPEGBaseline8Bit, picture(8))
    data = deidentified(ds, tmp_path)
    assert MARKER not in data
    assert ExplicitVRLittleEndian == pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID
    assert np.array_equal(values_of(ds, tmp_path), values_of(data, tmp_path))
