"""Small files that need a lot of time or memory."""

import imagecodecs
import numpy as np
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from tests.support.factories import make_grey, to_bytes

_SIDE = 4096


def slow_file(frames: int) -> bytes:
    """A file of many large frames with one grey level: a few hundred bytes each, minutes of decoding."""
    frame = imagecodecs.jpeg2k_encode(
        np.zeros((_SIDE, _SIDE), np.uint16), codecformat="J2K", reversible=True, level=0
    )
    ds = make_grey(np.zeros((8, 8), np.uint16), Rows=_SIDE, Columns=_SIDE, NumberOfFrames=frames)
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.PixelData = encapsulate([bytes(frame)] * frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return _with_new_uid(ds)


def large_file(megabytes: int) -> bytes:
    """A deflated data set that is a thousand times larger when it is inflated."""
    side = 1024
    frames = megabytes // 2
    ds = make_grey(np.zeros((frames, side, side), np.uint16))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return _with_new_uid(ds)


def _with_new_uid(ds: FileDataset) -> bytes:
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return to_bytes(ds)
