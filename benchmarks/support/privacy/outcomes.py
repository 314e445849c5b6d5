"""What becomes of a file with a text drawn into it: held, blanked there, or passed with the text readable."""

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from common.errors import HoldError, TextBox, TextFound
from deidentification.pixels.burned_in_gate import BurnedInDecision, burned_in_decision
from deidentification.profile import Profile, load_profile
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import Rules
from imaging.options import Limits, PictureRules
from imaging.png.png_picture import decode_png

PROFILES = {"default": Profile(), "reader": load_profile(Path("reader"))}
_KEY = bytes(range(32))
_MAX_PIXELS = 10**8

Rectangle = tuple[int, int, int, int]  # left, top, width, height


class Outcome(StrEnum):
    """What becomes of a text in a picture."""

    HELD_BY_CLASS = "held by its class"
    HELD_FOR_TEXT = "held for text there"
    HELD_ELSEWHERE = "held for something else in the picture"
    BLANKED = "blanked there"
    READABLE = "passed, readable"

    @property
    def is_safe(self) -> bool:
        """Whether the text did not leave, and for itself or the file's class: not by luck."""
        return self not in {Outcome.READABLE, Outcome.HELD_ELSEWHERE}


@dataclass(frozen=True)
class Prepared:
    """A file after the product's own preparation: what it writes, or why it holds the file."""

    pngs: tuple[bytes, ...] = ()  # of each frame
    dicom: bytes = b""
    document: bytes = b""  # the metadata document, without the keys of the images
    cause: str | None = None  # why it is held
    is_held_by_class: bool = False  # and not for what was found in the picture
    found: TextFound | None = None


def class_decision(path: Path, profile: Profile) -> BurnedInDecision:
    """The gate's decision by what a file says of itself."""
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    return burned_in_decision(ds, (), profile=profile, is_gate_on=True)


def prepare(path: Path, profile: Profile) -> Prepared:
    """Prepare a file as `extract` does. Raises PermanentError or NoPictureError for a file it refuses."""
    rules = Rules(_KEY, Limits(), PictureRules(), profile, hold_burned_in_text=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            instance = InstancePreparer(rules)(path, Path(folder), heartbeat=lambda: None)
        except HoldError as error:
            cause = str(error)
            is_by_class = class_decision(path, profile).cause == cause
            return Prepared(cause=cause, is_held_by_class=is_by_class, found=error.text_found)
        pngs = tuple(frame.read() for frame in instance.frames)
        return Prepared(pngs, read_output(instance.dicom), instance.document.to_json())


def class_outcome(path: Path, profile: Profile, ink: Rectangle) -> Outcome:
    """The outcome for a text whose ink lies in a rectangle, if only the class rules decided."""
    decision = class_decision(path, profile)
    if decision.cause is not None:
        return Outcome.HELD_BY_CLASS
    if decision.blanking is None:
        return Outcome.READABLE
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    mask = decision.blanking.mask(int(ds.Rows), int(ds.Columns))
    return Outcome.BLANKED if _part(mask, ink).all() else Outcome.READABLE


def outcome_of(prepared: Prepared, ink: Rectangle) -> Outcome:
    """The outcome of a preparation for a text whose ink lies in a rectangle."""
    if prepared.is_held_by_class:
        return Outcome.HELD_BY_CLASS
    if prepared.cause is not None:
        is_there = prepared.found is not None and _touches(prepared.found.boxes, ink)
        return Outcome.HELD_FOR_TEXT if is_there else Outcome.HELD_ELSEWHERE
    picture = decode_png(prepared.pngs[0], max_pixels=_MAX_PIXELS)
    values = pydicom.dcmread(io.BytesIO(prepared.dicom)).pixel_array
    is_black = _is_black(picture, ink) and _is_black(values, ink)
    return Outcome.BLANKED if is_black else Outcome.READABLE


def _touches(boxes: Sequence[TextBox], ink: Rectangle) -> bool:
    left, top, width, height = ink
    return any(
        box.left < left + width
        and left < box.left + box.width
        and box.top < top + height
        and top < box.top + box.height
        for box in boxes
    )


def _is_black(picture: NDArray[Any], ink: Rectangle) -> bool:
    """Whether all of a rectangle has the darkest value of the picture."""
    return bool((_part(picture, ink) == np.min(picture)).all())


def _part(picture: NDArray[Any], at: Rectangle) -> NDArray[Any]:
    left, top, width, height = at
    return picture[top : top + height, left : left + width]
