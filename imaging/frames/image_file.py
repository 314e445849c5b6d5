"""A DICOM image file on disk and its frames, decoded one at a time (PS3.10)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import DeflatedExplicitVRLittleEndian

from common.errors import PermanentError
from imaging.dataset import character_set  # noqa: F401 changes how pydicom reads
from imaging.dataset.element_value import element_value
from imaging.frames.blanking import Blanking
from imaging.frames.encoded_pixels import (
    EncodedPixels,
    UnreadableElementError,
    extended_offsets,
    inflated_pixels,
    locate_pixels,
)
from imaging.frames.image_checks import ASK_SENDER, check_image, missing_pixels_error, reading_elements
from imaging.frames.pixel_description import complete_description, complete_terms, misdescribed
from imaging.frames.stored_value import is_self_described, stored_value
from imaging.frames.transfer_syntax import DECODED_AS_RGB, frame_decoder
from imaging.options import Limits


@dataclass(frozen=True)
class ImageFile:
    """A readable DICOM image; its pixels are still encoded and on disk."""

    path: Path
    ds: FileDataset  # without the pixel data
    pixels: EncodedPixels
    number_of_frames: int
    blanking: Blanking | None = None  # the part of each frame that is made black after decoding
    on_frame: Callable[[NDArray[Any]], None] | None = None  # is given each frame before its blanking

    def frames(self) -> Iterator[NDArray[Any]]:
        """Decode the frames in order, one in memory at a time.

        Yields arrays of shape (rows, columns) or (rows, columns, samples), possibly read-only.
        Grey values have all allocated bits, stored or not (`StoredValue` extracts the values).
        YBR is converted to RGB. Blanked pixels are black. Raises PermanentError if a frame can't
        be decoded.
        """
        count = 0
        with self._decoding(), self.pixels.opened() as stream:
            for frame in self._decoded(stream):
                count += 1
                if count > self.number_of_frames:
                    break
                if self.on_frame is not None:
                    self.on_frame(frame)
                yield frame if self.blanking is None else self.blanking.blanked(frame, self.ds)
        if count != self.number_of_frames:
            raise PermanentError(
                f"The file declares {self.number_of_frames} frames but holds "
                f"{'more' if count > self.number_of_frames else count}.",
                ASK_SENDER,
            )

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        """Turn whatever a decoder raises into PermanentError, without values of the file."""
        try:
            yield
        except (PermanentError, MemoryError):  # the latter is reported as the memory limit's
            raise
        except NotImplementedError:
            raise PermanentError(
                f"No decoder for the transfer syntax {self.ds.file_meta.TransferSyntaxUID.name}.",
                "Ask for the file in another transfer syntax.",
            ) from None
        except Exception as error:  # noqa: BLE001 whatever a decoder raises
            raise PermanentError(self._decoding_cause(type(error).__name__), ASK_SENDER) from None

    def _decoding_cause(self, error: str) -> str:
        keyword = None
        if self.pixels.is_encapsulated:
            with suppress(Exception):
                keyword = misdescribed(self.ds, self.pixels, self.number_of_frames)
        if keyword is not None:
            return f"{keyword} differs from what the code stream of a frame says (PS3.5 8.2)."
        return f"The pixel data can't be decoded ({error}); it is damaged or shorter than the header says."

    def _decoded(self, stream: BinaryIO) -> Iterator[NDArray[Any]]:
        syntax = self.ds.file_meta.TransferSyntaxUID
        if element_value(self.ds, "BitsAllocated") == 1 and not syntax.is_encapsulated:
            return self._single_bits(
                stream, is_swapped=not syntax.is_little_endian and self.pixels.vr != "OB"
            )
        options = self._decoder_options()
        if not syntax.is_encapsulated and options["photometric_interpretation"] == "YBR_FULL_422":
            # pydicom 3.0 expands only the first frame that it is asked for.
            frames = range(self.number_of_frames)
            return (frame for index in frames for frame in self._iterated(stream, options, indices=[index]))
        found = self.pixels.fragments(self.ds, self.number_of_frames) if syntax.is_encapsulated else None
        is_single_bit = element_value(self.ds, "BitsAllocated") == 1  # of which pydicom's runner makes 8
        if (found is None or found.is_by_tables) and not is_single_bit:
            return self._iterated(stream, options)
        # pydicom gets one frame at a time, without the file's offset tables, which are wrong.
        options |= {"number_of_frames": 1, "extended_offsets": None}
        streams = self.pixels.frames(self.ds, self.number_of_frames)
        return (
            frame for one in streams for frame in self._iterated(encapsulate([one], has_bot=False), options)
        )

    def _iterated(
        self, source: BinaryIO | bytes, options: dict[str, Any], indices: list[int] | None = None
    ) -> Iterator[NDArray[Any]]:
        decoder = frame_decoder(self.ds.file_meta.TransferSyntaxUID)
        stored = stored_value(self.ds)
        options = options | {"decoding_plugin": decoder.plugin, "indices": indices}
        for frame, _ in decoder.decoder.iter_array(source, **options):
            if 8 * frame.dtype.itemsize > max(element_value(self.ds, "BitsAllocated"), 8):
                raise PermanentError("BitsAllocated is less than the code stream's precision.", ASK_SENDER)
            # Colours are used as they are, grey values by tables that take the stored bits themselves.
            has_unused_bits = frame.ndim == 3 and stored.bits_stored < 8 * frame.dtype.itemsize
            yield stored.values(frame) if has_unused_bits else frame

    def _single_bits(self, stream: BinaryIO, *, is_swapped: bool) -> Iterator[NDArray[np.uint8]]:
        """Frames of one bit per pixel, which may begin within a byte or a word (PS3.5 8.1.1).

        pydicom 3.0 reads too few bytes for such a frame, and doesn't swap the bytes of big endian words.
        """
        pixels, unit = int(self.ds.Rows) * int(self.ds.Columns), 16 if is_swapped else 8
        for index in range(self.number_of_frames):
            first, skipped = divmod(index * pixels, unit)
            stream.seek(self.pixels.offset + first * unit // 8)
            packed = np.frombuffer(stream.read(-(-(skipped + pixels) // unit) * unit // 8), f"<u{unit // 8}")
            packed = (packed.byteswap() if is_swapped else packed).view(np.uint8)
            bits = np.unpackbits(packed, count=skipped + pixels, bitorder="little")
            yield bits[skipped:].reshape(self.ds.Rows, self.ds.Columns)

    def _decoder_options(self) -> dict[str, Any]:
        """The options of pydicom's decoder for these pixels (pydicom's guide "Decoding options")."""
        options = as_pixel_options(self.ds) | {
            "pixel_keyword": self.pixels.keyword,
            "pixel_vr": self.pixels.vr,
            "number_of_frames": self.number_of_frames,
            "extended_offsets": extended_offsets(self.ds),
        }
        syntax = self.ds.file_meta.TransferSyntaxUID
        if not syntax.is_encapsulated:
            options["view_only"] = True
        if not is_self_described(self.ds):
            options["correct_unused_bits"] = False  # `StoredValue` does it, by HighBit
        if syntax in DECODED_AS_RGB:
            options["as_rgb"] = False
        elif element_value(self.ds, "PhotometricInterpretation") == "YBR_PARTIAL_422":
            # pydicom knows their layout but not their colour space: the recipe converts them.
            options |= {"photometric_interpretation": "YBR_FULL_422", "as_rgb": False}
        return options


def read_image_file(path: Path, limits: Limits) -> ImageFile:
    """Read the header of a DICOM file and check that it describes an image that can be decoded.

    Raises PermanentError with the cause, or NoPictureError for a DICOM object that is not an image.
    """
    if path.stat().st_size == 0:
        raise PermanentError("The file is empty (0 bytes).", ASK_SENDER)
    with reading_elements():
        ds, pixels = _read(path)
        if pixels is None:
            raise missing_pixels_error(ds, size=path.stat().st_size)
        complete_terms(ds)
        number_of_frames = check_image(ds, pixels, limits)
        complete_description(ds, pixels, number_of_frames)
        return ImageFile(path, ds, pixels, number_of_frames)


def _read(path: Path) -> tuple[FileDataset, EncodedPixels | None]:
    """The data set before its pixel data, and the position of that; elements behind it are never used."""
    try:
        with path.open("rb") as stream:
            ds = pydicom.dcmread(stream, stop_before_pixels=True)
            if ds.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
                ds = pydicom.dcmread(path)
                return ds, inflated_pixels(ds, path)
            return ds, locate_pixels(stream, ds, path)
    except InvalidDicomError:
        raise PermanentError(
            "Not a DICOM file: the prefix 'DICM' is missing (PS3.10 section 7.1).",
            "Take it out of the folder, or convert it to DICOM.",
        ) from None
    except UnreadableElementError:
        raise PermanentError(
            "The pixel data element's header is damaged (PS3.5 section 7.1).", ASK_SENDER
        ) from None
