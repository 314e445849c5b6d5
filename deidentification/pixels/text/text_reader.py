"""Read what stands in the boxes that `text_detector` found, with rapidocr: offline, on one thread.

The surest parts of a box are read, because a complete box may reach far into anatomy, in which letters are
overlooked, or read where there are none. If they are text, the complete box is read as well. Each place is
cut out with a margin, stretched to full contrast, enlarged, turned by 0, 90 and 270° and given to
rapidocr's own detection and recognition, whose models are part of its package. Where that reads no text, it
is tried with local contrast, and larger. The recognition alone on the whole piece reads less, and is no
quicker because it has to try more directions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from deidentification.pixels.text.arrays import Bytes
from deidentification.pixels.text.text_detector import Box

ENOUGH = 0.90
"""Confidence at which no other direction is tried."""
CONFIDENT = 0.70
"""Confidence from which two or more characters are text."""
FEWEST_CHARACTERS = 2
"""Letters and digits; single ones are also read into anatomy."""
_MARGIN = 12  # pixels around the box
_LONGEST_SIDE = 1600  # pixels of an enlarged piece
_SMALL = 40  # pixels; boxes with a shorter side are enlarged more
_SCALE, _SMALL_SCALE, _LARGEST_SCALE = 2.0, 3.0, 4.0


@dataclass(frozen=True)
class ReadText:
    """What was read in a box."""

    box: Box
    text: str
    """The lines joined by a space; if none has two letters or digits, the surest line; empty if none."""
    confidence: float
    """0 to 1, of the surest line with two letters or digits, else of the surest line."""
    everything: str = ""
    """The text, and what was read in the complete box with less confidence."""

    @property
    def is_text(self) -> bool:
        """Whether this is text with confidence, and not anatomy that looks like some."""
        return self.confidence >= CONFIDENT and _is_long(self.text)

    @property
    def is_sign(self) -> bool:
        """Whether this is one sign, such as a marker of a side, a plus or a square, with confidence."""
        return self.confidence >= ENOUGH and len(self.text.strip()) == 1


def read_boxes(picture: NDArray[np.uint8], boxes: Sequence[Box]) -> list[ReadText]:
    """What stands in every box, in the boxes' order.

    Parameters
    ----------
    picture
        uint8 (rows, columns) or (rows, columns, 3), in which the boxes were found.
    boxes
        Boxes inside the picture.

    Raises
    ------
    ModuleNotFoundError
        If the reader's packages aren't installed.
    """
    return [_read(picture, box) for box in boxes]


def _read(picture: Bytes, box: Box) -> ReadText:
    reads = [_read_place(picture, part) for part in box.parts or (box,)]
    surest = max(reads, key=_worth)
    found = ReadText(box, surest.text, surest.confidence, surest.text)
    if not found.is_text or not box.parts:
        return found
    text = " ".join(read.text for read in reads)
    # The parts may lack the ends of words.
    whole = _read_place(picture, box)
    everything = f"{text} {whole.text}"
    if whole.confidence >= ENOUGH and _length(whole.text) >= _length(text):
        text = whole.text
    return ReadText(box, text, surest.confidence, everything)


def _read_place(picture: Bytes, box: Box) -> ReadText:
    """What stands in one place; where no text is read, the place is shown in other ways."""
    part = _with_margin(picture, box)
    scale = _SMALL_SCALE if min(box.width, box.height) < _SMALL else _SCALE
    read = _read_piece(_enlarged(_stretched(part), scale), box)
    for shown, larger in ((_equalised, _SMALL_SCALE), (_stretched, _LARGEST_SCALE)):
        if read.is_text:
            break
        other = _read_piece(_enlarged(shown(part), larger), box)
        read = other if other.is_text else read
    return read


def _read_piece(piece: Bytes, box: Box) -> ReadText:
    best = ReadText(box, "", 0.0)
    for turned in _directions(piece, upright_first=box.width >= box.height):
        read = ReadText(box, *_lines(turned))
        if _worth(read) > _worth(best):
            best = read
        if _is_long(read.text) and read.confidence >= ENOUGH:
            break
    return best


def _is_long(text: str) -> bool:
    return _length(text) >= FEWEST_CHARACTERS


def _length(text: str) -> int:
    """Letters and digits."""
    return sum(character.isalnum() for character in text)


def _worth(read: ReadText) -> tuple[bool, float]:
    return _is_long(read.text), read.confidence


def _with_margin(picture: Bytes, box: Box) -> Bytes:
    top, left = max(0, box.top - _MARGIN), max(0, box.left - _MARGIN)
    return picture[top : box.top + box.height + _MARGIN, left : box.left + box.width + _MARGIN]


def _stretched(part: Bytes) -> Bytes:
    """The part at full contrast."""
    darkest, brightest = int(part.min()), int(part.max())
    stretch = (np.arange(256) - darkest) * (255.0 / max(1, brightest - darkest))
    stretched: Bytes = np.rint(stretch).clip(0, 255).astype(np.uint8)[part]
    return stretched


def _equalised(part: Bytes) -> Bytes:
    """The part with its contrast raised where it is weak, as grey levels: faint text on strong anatomy."""
    grey = part if part.ndim == 2 else part.max(2)
    return cast("Bytes", cv2.createCLAHE(3.0, (4, 4)).apply(np.ascontiguousarray(grey)))


def _enlarged(part: Bytes, scale: float) -> Bytes:
    """The part in colour and enlarged, uint8 (rows, columns, 3)."""
    piece = np.repeat(part[..., None], 3, axis=2) if part.ndim == 2 else part
    scale = min(scale, _LONGEST_SIDE / max(piece.shape[:2]))
    if scale <= 1:
        return piece
    return cast("Bytes", cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))


def _directions(piece: Bytes, *, upright_first: bool) -> Iterator[Bytes]:
    """The piece turned by 0, 90 and 270°, the likeliest direction first."""
    for quarter_turns in (0, 3, 1) if upright_first else (3, 1, 0):
        yield np.ascontiguousarray(np.rot90(piece, quarter_turns))


def _lines(piece: Bytes) -> tuple[str, float]:
    """The text in a piece and its confidence."""
    read = _engine()(piece, use_det=True, use_cls=False, use_rec=True)
    if not read.txts:
        return "", 0.0
    lines = list(zip(read.scores, read.txts, strict=True))
    long = [float(score) for score, text in lines if _is_long(text)]
    if not long:  # a few single characters never add up to text
        score, text = max(lines)
        return text, float(score)
    return " ".join(read.txts), max(long)


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR  # only where something is read: it takes a second to import

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.text_score": 0.3,
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": _LONGEST_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
