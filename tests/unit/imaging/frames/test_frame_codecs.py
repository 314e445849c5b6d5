"""Decoders by imagecodecs, compared with pydicom's own."""

import io
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import iter_pixels
from pydicom.uid import (
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from common.errors import PermanentError
from imaging.frames import image_checks
from imaging.frames.image_file import read_image_file
from imaging.frames.stored_value import stored_value
from imaging.frames.transfer_syntax import CODECS
from imaging.options import Limits
from tests.support.factories import make_grey, real_path, to_bytes, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

NOT_BY_PYDICOM = ["JPEG-lossy", "JPGExtended", "JPEG2000-embedded-sequence-delimiter"]
REFERENCE = {
    RLELossless: "pydicom",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
}
FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"


def _files() -> list[Path]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the files are invalid on purpose
        for path in sorted(FOLDER.glob("*.dcm")):
            ds = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            if (
                path.stem not in NOT_BY_PYDICOM
                and "Rows" in ds
                and ds.file_meta.get("TransferSyntaxUID") in CODECS
            ):
                found.append(path)
    return found


FILES = _files()


@pytest.mark.parametrize("offset", [1264, 0x58000028, 0xFFFFFFFF])
def test_an_rle_segment_behind_the_stream_is_refused(offset: int, tmp_path: Path) -> None:
    """The codec is not asked for it, because it would read there."""
    ds = pydicom.dcmread(real_path("SC_rgb_rle_16bit.dcm"))
    stream = bytearray(next(generate_frames(ds.PixelData, number_of_frames=1)))
    stream[24:28] = offset.to_bytes(4, "little")
    ds.PixelData = encapsulate([bytes(stream)])
    with pytest.raises(PermanentError, match="decode"):
        list(to_image_file(to_bytes(ds), tmp_path).frames())


def test_there_are_files_to_compare() -> None:
    """The pydicom package has files of these transfer syntaxes."""
    assert len(FILES) >= 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_frames_are_those_of_pydicoms_own_decoders(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every frame of every real file has the same values as with pydicom's own plugins."""
    monkeypatch.setattr(image_checks, "_check_identity", lambda _: None)  # some files have no UIDs
    ds = pydicom.dcmread(path)
    plugin = REFERENCE.get(ds.file_meta.TransferSyntaxUID, "gdcm")
    expected = list(iter_pixels(ds, decoding_plugin=plugin))
    actual = list(read_image_file(path, Limits()).frames())
    assert len(expected) == len(actual)
    for theirs, ours in zip(expected, actual, strict=True):
        assert theirs.dtype == ours.dtype
        assert np.array_equal(theirs, ours)


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_jpeg_lossless_of_every_depth_and_sign(bits: int, signed: int, tmp_path: Path) -> None:
    """Stored values, negative ones too, are decoded from a stream of only the stored bits."""
    lowest = -(1 << (bits - 1)) if signed else 0
    values = np.linspace(lowest, lowest + (1 << bits) - 1, 256).astype(np.int16 if signed else np.uint16)
    values = values.reshape(16, 16)
    ds = make_grey(values, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=signed)
    stored = values.view(np.uint16) & ((1 << bits) - 1)
    ds.PixelData = encapsulate([imagecodecs.ljpeg_encode(stored, bitspersample=bits)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    image_file = to_image_file(ds, tmp_path)
    (frame,) = image_file.frames()
    assert np.array_equal(values, stored_value(image_file.ds).values(frame))


def test_an_unreadable_stream_is_refused(tmp_path: Path) -> None:
    """A damaged stream is refused with a cause, after pydicom's own decoder has failed too."""
    ds = pydicom.dcmread(io.BytesIO(real_path("MR_small_RLE.dcm").read_bytes()))
    ds.PixelData = encapsulate([b"\xff" * 64])
    with pytest.raises(PermanentError, match="can't be decoded"):
        list(to_image_file(ds, tmp_path).frames())
