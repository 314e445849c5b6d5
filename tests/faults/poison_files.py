"""Files that cost far more than their size: time, or memory."""

import imagecodecs
import numpy as np
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from tests.support.factories import make_grey, to_bytes

_SIDE = 4096


def slow_file(frames: int) -> bytes:
    """Many large frames of one grey level, a few hundred bytes each: minutes of decoding."""
    frame = imagecodecs.jpeg2k_encode(
        np.zeros((_SIDE, _SIDE), np.uint16), codecformat="J2K", reversible=True, level=0
    )
    ds = make_grey(np.zeros((8, 8), np.uint16), Rows=_SIDE, Columns=_SIDE, NumberOfFrames=frames)
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.PixelData = encapsulate([bytes(frame)] * frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return _named(ds)


def large_file(megabytes: int) -> bytes:
    """A deflated data set that is a thousand times larger unpacked."""
    side = 1024
    frames = megabytes // 2
    ds = make_grey(np.zeros((frames, side, side), np.uint16))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return _named(ds)


def _named(ds) -> bytes:
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return to_bytes(ds)
