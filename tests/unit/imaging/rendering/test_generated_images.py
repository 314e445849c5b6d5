"""Random images that follow the standard, in every lossless codec, against pictures computed in the tests.

500 images by default; DCM2SET_FUZZ_IMAGES sets another number (`make fuzz`: 10,000).
"""

import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from imaging.frames.image_checks import Limits
from imaging.frames.image_file import read_image_file
from imaging.frames.transfer_syntax import DeflatedFrames
from imaging.rendering.picture_recipe import PictureRecipe
from tests.unit.imaging.rendering.generated_image import Case, cases, dataset, expected

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

IMAGES = int(os.environ.get("DCM2SET_FUZZ_IMAGES", "500"))
NATIVE = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def _rle(words: np.ndarray) -> bytes:
    rows, columns = words.shape
    bits = 8 * words.itemsize
    form = {"samples_per_pixel": 1, "photometric_interpretation": "MONOCHROME2", "pixel_representation": 0}
    sizes = {"rows": rows, "columns": columns, "number_of_frames": 1, "bits_allocated": bits}
    return bytes(get_encoder(RLELossless).encode(words, bits_stored=bits, **form, **sizes))


def _deflated(words: np.ndarray) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(words.tobytes()) + deflate.flush()


ENCODERS: dict[UID, Callable[[np.ndarray], bytes]] = {
    RLELossless: _rle,
    JPEGLosslessSV1: lambda words: imagecodecs.jpeg8_encode(
        words, lossless=True, bitspersample=8 * words.itemsize
    ),
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEG2000Lossless: lambda words: imagecodecs.jpeg2k_encode(words, codecformat="j2k", resolutions=1),
    DeflatedFrames: _deflated,
}


def _write(case: Case, syntax: UID, path: Path) -> None:
    ds = dataset(case, "<" if syntax.is_little_endian else ">")
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax in ENCODERS:
        ds.PixelData = encapsulate([bytes(ENCODERS[syntax](frame)) for frame in case.words()])
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    else:
        ds["PixelData"].VR = "OB" if case.allocated == 8 and not syntax.is_implicit_VR else "OW"
        if case.allocated == 8 and len(ds.PixelData) % 2:
            ds.PixelData += b"\0"
    written = FileDataset(path, dict(ds), preamble=bytes(128), file_meta=ds.file_meta)
    written.set_original_encoding(syntax.is_implicit_VR, syntax.is_little_endian)
    written.save_as(path)


@settings(
    max_examples=IMAGES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(case=cases(), syntax=st.sampled_from([*NATIVE, *ENCODERS]))
def test_images_are_drawn_as_the_standard_says(case: Case, syntax: UID) -> None:
    """Every frame of every image differs by at most one grey level, which rounding explains."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.dcm"
        _write(case, syntax, path)
        image_file = read_image_file(path, Limits())
        recipe = PictureRecipe(image_file.ds)
        drawn = [recipe.draw(frame, index=index).picture for index, frame in enumerate(image_file.frames())]
    assert len(case.values) == len(drawn)
    for index, picture in enumerate(drawn):
        right = expected(case, index)
        assert right.shape == picture.shape
        assert 1 >= np.abs(right.astype(int) - picture).max()
