"""Random images written to files, in every encoding of data sets and pixels."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from imaging.dataset.newer_uids import DeflatedFrames, JPEGXLLossless
from tests.unit.imaging.rendering.generated.colour_image import ColourImage
from tests.unit.imaging.rendering.generated.float_image import FloatImage
from tests.unit.imaging.rendering.generated.grey_image import GreyImage
from tests.unit.imaging.rendering.generated.image_streams import as_jpeg, colour_streams, grey_streams
from tests.unit.imaging.rendering.generated.look_up_table import Draw

RandomImage = GreyImage | ColourImage | FloatImage
LITTLE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
NATIVE = [*LITTLE, ExplicitVRBigEndian]
GREY = [JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, JPEGXLLossless]
UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


@st.composite
def written_forms(draw: Draw, image: RandomImage) -> UID:
    """A transfer syntax that may hold an image."""
    return draw(st.sampled_from(_syntaxes(image)))


def _syntaxes(image: RandomImage) -> list[UID]:
    if isinstance(image, FloatImage) or image.allocated == 32:
        # Big endian was retired before any pixel had more than 16 bits (PS3.5 A.3).
        return [*LITTLE, RLELossless, DeflatedFrames] if isinstance(image, GreyImage) else LITTLE
    if isinstance(image, GreyImage):
        if image.allocated == 1:
            return [*NATIVE, DeflatedFrames]
        is_byte = image.allocated == image.stored == 8 and not image.is_signed
        return [*NATIVE, RLELossless, DeflatedFrames, *GREY, *[JPEGBaseline8Bit] * 2 * is_byte]
    return {
        "RGB": [*NATIVE, RLELossless, DeflatedFrames, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless]
        + [HTJ2KLossless]
        + [JPEGBaseline8Bit] * (image.allocated == 8),
        "YBR_FULL": [*NATIVE, RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGBaseline8Bit],
        "YBR_FULL_422": [*NATIVE, JPEGBaseline8Bit],
        "YBR_RCT": [JPEG2000Lossless, HTJ2KLossless],
        "YBR_ICT": [JPEG2000],
    }[image.photometric]


def write(image: RandomImage, syntax: UID, path: Path, *, choice: int) -> RandomImage:
    """Write an image; return what the file holds, which differs in JPEG. `choice` varies the layout."""
    ds = image.dataset("<" if syntax.is_little_endian else ">")
    for keyword in UIDS:
        setattr(ds, keyword, f"2.25.{choice + 1}")
    ds.PatientID = "RANDOM-IMAGE"
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.NumberOfFrames = image.frames
    shape = image.values.shape
    ds.Rows, ds.Columns = shape[1], shape[2]
    if isinstance(image, FloatImage):
        setattr(ds, f"{image.kind}Data", image.values.astype(image.values.dtype.newbyteorder("<")).tobytes())
    elif syntax.is_encapsulated:
        image = _encapsulate(ds, image, syntax, choice=choice)
    else:
        _put_native(ds, image, syntax, choice=choice)
    _save(ds, syntax, path)
    return image


def _encapsulate(
    ds: Dataset, image: GreyImage | ColourImage, syntax: UID, *, choice: int
) -> GreyImage | ColourImage:
    if syntax == JPEGBaseline8Bit:
        image, streams = as_jpeg(image)
    elif isinstance(image, ColourImage):
        streams = colour_streams(image, syntax)
    else:
        streams = grey_streams(image, syntax, is_bare=image.is_bare and choice % 4 > 0)
    ds.PixelData = encapsulate(
        streams, fragments_per_frame=1 + choice % 2, has_bot=choice % 3 > 0 or choice % 2 == 1
    )
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return image


def _put_native(ds: Dataset, image: GreyImage | ColourImage, syntax: UID, *, choice: int) -> None:
    """Samples of 8 bits or less are bytes, or in words of which the lower byte comes first (PS3.5 8.1.1)."""
    order = "<" if syntax.is_little_endian else ">"
    if image.allocated == 1:
        data = np.packbits(image.masked().ravel(), bitorder="little").tobytes()
    else:
        values = image.native() if isinstance(image, ColourImage) else image.words()
        data = values.astype(f"{order}u{image.allocated // 8}").tobytes()
    data += b"\0" * (len(data) % 2)
    is_bytes = image.allocated <= 8 and not syntax.is_implicit_VR and choice % 2 == 0
    if image.allocated <= 8 and not is_bytes and order == ">":
        data = np.frombuffer(data, "<u2").astype(">u2").tobytes()
    ds.add_new("PixelData", "OB" if is_bytes else "OW", data)


def _save(ds: Dataset, syntax: UID, path: Path) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    written = FileDataset(path, dict(ds), preamble=bytes(128), file_meta=meta)
    written.set_original_encoding(syntax.is_implicit_VR, syntax.is_little_endian)
    written.save_as(path)
