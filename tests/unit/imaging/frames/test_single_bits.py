"""Pixels of one bit, whose frames may begin within a byte (PS3.5 8.1.1)."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from imaging.dataset.newer_uids import DeflatedFrames
from tests.support.factories import make_grey
from tests.unit.imaging.frames.encoded import encapsulated, stored_values

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

BITS = np.random.default_rng(1).integers(0, 2, (3, 5, 3)).astype(np.uint8)


def _dataset(bits: np.ndarray) -> FileDataset:
    ds = make_grey(bits)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 1, 1, 0
    ds.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    return ds


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_single_bits_in_bytes_and_words(syntax: UID, vr: str, tmp_path: Path) -> None:
    """The first pixel is the lowest bit of the first byte, or of the first word in its byte order."""
    ds = _dataset(BITS)
    if vr == "OW" and not syntax.is_little_endian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds["PixelData"].VR, ds.file_meta.TransferSyntaxUID = vr, syntax
    assert np.array_equal(BITS, stored_values(ds, tmp_path))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_padding_is_no_further_frame(syntax: UID, tmp_path: Path) -> None:
    """A frame that would fit into the byte of padding is not missed."""
    small = BITS[:, :3].repeat(2, axis=0)[:4]  # 36 bits, and 12 of padding
    ds = _dataset(small)
    ds.PixelData, ds.file_meta.TransferSyntaxUID = ds.PixelData + b"\0", syntax
    assert 6 == len(ds.PixelData)
    assert np.array_equal(small, stored_values(ds, tmp_path))


def test_deflated_frames_of_single_bits(tmp_path: Path) -> None:
    """Each frame of Deflated Image Frame Compression begins with a byte of its own (PS3.5 A.4.13)."""
    streams = []
    for frame in BITS:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = np.packbits(frame.ravel(), bitorder="little").tobytes()
        streams.append(deflate.compress(packed) + deflate.flush())
    assert np.array_equal(
        BITS, stored_values(encapsulated(_dataset(BITS), streams, DeflatedFrames), tmp_path)
    )
