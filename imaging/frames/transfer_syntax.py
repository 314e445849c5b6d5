"""Transfer syntaxes and their frame decoders (PS3.6 table A-1, PS3.5 annex A)."""

from dataclasses import dataclass

from pydicom.pixels import get_decoder  # type: ignore[attr-defined]
from pydicom.pixels.decoders.base import Decoder
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

from imaging.dataset.newer_uids import JPEGXL, DeflatedFrames, JPEGXLLossless, JPEGXLRecompression
from imaging.frames import frame_codecs

CODECS = {
    RLELossless: frame_codecs.decode_rle,
    JPEGBaseline8Bit: frame_codecs.decode_jpeg,
    JPEGExtended12Bit: frame_codecs.decode_jpeg,
    JPEGLossless: frame_codecs.decode_jpeg_lossless,
    JPEGLosslessSV1: frame_codecs.decode_jpeg_lossless,
    JPEGLSLossless: frame_codecs.decode_jpeg_ls,
    JPEGLSNearLossless: frame_codecs.decode_jpeg_ls,
    JPEGXLLossless: frame_codecs.decode_jpeg_xl,
    JPEGXLRecompression: frame_codecs.decode_jpeg_xl,
    JPEGXL: frame_codecs.decode_jpeg_xl,
    DeflatedFrames: frame_codecs.decode_deflated,
}
# Colour frames of these come out of our codecs as RGB.
DECODED_AS_RGB = frozenset([JPEGBaseline8Bit, JPEGExtended12Bit, JPEGXLLossless, JPEGXLRecompression, JPEGXL])
# The plugin to use where pydicom would choose another. For JPEG 2000 it would choose gdcm, which
# spreads a frame over all processors and takes more processor time in sum than OpenJPEG on one.
_PLUGINS = dict.fromkeys(CODECS, frame_codecs.PLUGIN) | {
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
}


@dataclass(frozen=True)
class FrameDecoder:
    """pydicom's decoder for a transfer syntax and the plugin it must use."""

    decoder: Decoder
    plugin: str  # empty for native pixel data


def frame_decoder(transfer_syntax: UID) -> FrameDecoder:
    """The decoder for a transfer syntax; raises NotImplementedError if there is none."""
    decoder = _DECODERS.get(transfer_syntax) or get_decoder(transfer_syntax)
    return FrameDecoder(decoder, _PLUGINS.get(transfer_syntax, ""))


def _decoders_with_our_codecs() -> dict[UID, Decoder]:
    """Pydicom's decoders with our codecs added, and new decoders where pydicom has none."""
    decoders = {}
    for uid, function in CODECS.items():
        try:
            decoder = get_decoder(uid)
        except NotImplementedError:
            decoder = Decoder(uid)
        if frame_codecs.PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(frame_codecs.PLUGIN, (frame_codecs.__name__, function.__name__))
        decoders[uid] = decoder
    return decoders


_DECODERS = _decoders_with_our_codecs()
