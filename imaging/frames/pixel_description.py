"""The Image Pixel attributes as they should be, where a file leaves one open (PS3.3 C.7.6.3, PS3.5 8.2)."""

from struct import Struct
from typing import Any

from pydicom.dataset import FileDataset
from pydicom.pixels.utils import _get_jpg_parameters, get_j2k_parameters
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

from imaging.dataset.element_value import TAGS, element_value
from imaging.frames.encoded_pixels import EncodedPixels
from imaging.frames.stored_value import stored_value

_JPEG = frozenset([*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes])
_JPEG_2000 = frozenset(JPEG2000TransferSyntaxes)
# Their decoders give colours by pixel (PS3.5 8.2.1, 8.2.4).
_BY_PIXEL = frozenset([*JPEGTransferSyntaxes, *JPEG2000TransferSyntaxes])
_YBR = frozenset(["YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422"])
_TERMS = "Modality PhotometricInterpretation PixelPresentation PresentationLUTShape SegmentationType".split()
_SHORT_INTEGERS = """SamplesPerPixel Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation
    PlanarConfiguration""".split()
# From SOC on: two markers, length and capabilities, then the ends and the starts of the image, the
# tiles' size and place, and the number of components.
_SIZ = Struct(">8x2L2L16xH")


def complete_terms(ds: FileDataset) -> None:
    """Write terms as the standard does: in upper case, and up to their first NUL."""
    for keyword in _TERMS:
        value = element_value(ds, keyword)
        if isinstance(value, str):
            term = value.lstrip("\0 ").partition("\0")[0].strip().upper()
            if term != value:
                setattr(ds, keyword, term)


def complete_description(ds: FileDataset, pixels: EncodedPixels, number_of_frames: int) -> None:
    """Set HighBit, PixelRepresentation and PlanarConfiguration where only one value can be meant.

    So the frames, the de-identified file and the picture all follow the same description.
    """
    _complete_vrs(ds)
    if "ExtendedOffsetTable" in ds and "ExtendedOffsetTableLengths" not in ds:
        del ds.ExtendedOffsetTable  # it can't be used (C.7.6.3.1.8)
    if pixels.keyword != "PixelData":
        return
    if element_value(ds, "SamplesPerPixel") > 1:
        _complete_colours(ds, pixels, number_of_frames)
    high = stored_value(ds).high_bit
    if pixels.is_encapsulated and high != element_value(ds, "BitsStored") - 1:
        first = next(pixels.frames(ds, number_of_frames), b"")
        precision = stream_form(first, ds.file_meta.TransferSyntaxUID).get("precision")
        if precision is not None and precision <= high:
            high = element_value(ds, "BitsStored") - 1  # the stream has the bare values
    if element_value(ds, "HighBit") != high:
        ds.HighBit = high


def _complete_colours(ds: FileDataset, pixels: EncodedPixels, number_of_frames: int) -> None:
    syntax = ds.file_meta.TransferSyntaxUID
    if element_value(ds, "PixelRepresentation"):
        ds.PixelRepresentation = 0  # colours have no sign (C.7.6.3.1.2)
    is_by_pixel = syntax in _BY_PIXEL  # whatever the file says
    if is_by_pixel or element_value(ds, "PlanarConfiguration") not in (0, 1):
        ds.PlanarConfiguration = 0  # the code stream says it, or the photometric interpretation
    if syntax in _JPEG_2000 and element_value(ds, "PhotometricInterpretation") in _YBR:
        first = next(pixels.frames(ds, number_of_frames), b"")
        if _has_colour_transform(first):
            ds.PhotometricInterpretation = "YBR_RCT"  # or YBR_ICT: the stream holds RGB (PS3.5 8.2.4)


def _complete_vrs(ds: FileDataset) -> None:
    """Give numbers of another VR the VR US, by which the de-identified file keeps them."""
    for keyword in _SHORT_INTEGERS:
        value = element_value(ds, keyword)
        if isinstance(value, int) and ds[keyword].VR != "US":
            ds.add_new(TAGS[keyword], "US", int(value))


def stream_form(stream: bytes, syntax: UID) -> dict[str, Any]:
    """What a code stream says of itself: precision, height, width and components, as far as it is known."""
    if syntax in _JPEG_2000:
        return get_j2k_parameters(stream) | _sizes(stream)
    return _get_jpg_parameters(stream) if syntax in _JPEG else {}


def misdescribed(ds: FileDataset, pixels: EncodedPixels, number_of_frames: int) -> str | None:
    """The attribute that differs from the code stream of any frame; None if no difference is found."""
    syntax = ds.file_meta.TransferSyntaxUID
    for stream in pixels.frames(ds, number_of_frames):
        form = stream_form(stream, syntax)
        for keyword, name in (("Rows", "height"), ("Columns", "width"), ("SamplesPerPixel", "components")):
            if name in form and form[name] != element_value(ds, keyword):
                return keyword
        if form.get("precision", 0) > element_value(ds, "BitsAllocated"):
            return "BitsAllocated"
    return None


def _has_colour_transform(stream: bytes) -> bool:
    """Whether a JPEG 2000 code stream transforms RGB itself, by its COD segment (ITU-T T.800 A.6.1)."""
    at = stream.find(b"\xff\x52")
    return at > 0 and stream[at + 8 : at + 9] == b"\1"


def _sizes(stream: bytes) -> dict[str, int]:
    """The size of a JPEG 2000 image, by its SIZ segment (ITU-T T.800 A.5.1)."""
    at = stream.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(stream) < at + _SIZ.size:
        return {}
    right, bottom, left, top, components = _SIZ.unpack_from(stream, at)
    return {"width": right - left, "height": bottom - top, "components": components}
