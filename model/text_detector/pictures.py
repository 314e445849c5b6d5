"""The pictures texts are drawn into, in two halves by patient, and what is written in them already."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from common.errors import NoPictureError, PermanentError
from deidentification.pixels.text.arrays import Bytes
from model.text_detector.fonts.designs import Half
from model.training.sources.corpus import Source, build_corpus, picture_of_dicom
from model.training.sources.packages import PACKAGES

# Seen by eye on sheets of all pictures, before anything was tuned.
SOURCES_WITH_TEXT = {
    "US lymph node": "hospital, numbers, time, TIS/MI",
    "US obstetric": "PHILIPS, date, time, scales",
    "US heart, colour": "PLA, Gen THI S, soft keys",
    "US heart": "Adult Echo, measures",
    "US abdomen": "WESTWAY MEDICAL, date, PELVIS",
    "US eye, SonoSite": "SonoSite, date (partly scratched out), scales",
    "US eye, Clarius": "4 cm",
    "US eye, Interson": "soft keys, date, measures",
    "US resolution phantom": "date, scales",
    "US heart, cine": "2D, CF, 75 bpm",
    # Markers of lead, 100 to 400 pixels high; no typed text.
    "MG, patient 17": "LCC, LMLO, RCC, RMLO, figures at the edge",
    "MG, patient 82": "LCC, LMLO, RCC, RMLO, figures at the edge",
    "CR leg": "R",
    "DX cat": "R on a plate, one small figure at the edge",
}
"""What is written in the sources whose pictures aren't free of text."""

# left, top, right, bottom as parts of the picture.
_FREE_PARTS = {
    "US obstetric": (0.42, 0.20, 1.0, 1.0),
    "US abdomen": (0.05, 0.22, 1.0, 0.86),
    "US eye, SonoSite": (0.15, 0.12, 0.90, 0.88),
    "US eye, Clarius": (0.0, 0.09, 1.0, 0.90),
    "US heart, cine": (0.14, 0.0, 0.86, 0.93),
}
"""Where the pictures of the tuning half that hold text are free of it."""

# Test files of pydicom and pydicom-data that aren't sources and hold text or test patterns, seen by eye, or
# whose licence doesn't allow this use (693_*: see `model.training.sources.recipes`).
_LEFT_OUT = ("mlut_18", "vlut_04", "GDCMJ2K_TextGBR", "image_dfl", "693_")
_SMALLEST_SIDE = 32


@cache
def sources(half: Half) -> tuple[Source, ...]:
    """The sources of a half. Of each modality, half of the patients are measured: the smallest SHA-256."""
    every = _every_source()
    ordered = sorted(every, key=lambda source: hashlib.sha256(source.name.encode()).hexdigest())
    measured: set[str] = set()
    for modality in {source.modality for source in every}:
        names = [source.name for source in ordered if source.modality == modality]
        measured |= set(names[: (len(names) + 1) // 2])
    return tuple(source for source in every if (source.name in measured) == (half is Half.MEASURED))


@cache
def _every_source() -> list[Source]:
    return build_corpus()


def free_part(source: Source, picture: Bytes) -> Bytes:
    """The part of a picture of the tuning half that holds no text."""
    left, top, right, bottom = _FREE_PARTS.get(source.name, (0.0, 0.0, 1.0, 1.0))
    rows, columns = picture.shape[:2]
    return picture[int(top * rows) : int(bottom * rows), int(left * columns) : int(right * columns)]


def other_files() -> Iterator[tuple[str, Bytes]]:
    """Name and picture of the text-free test files of pydicom and pydicom-data that no source has.

    They are neither trained on nor used for any choice. Equal pictures are yielded once.
    """
    pictures = [picture for half in Half for source in sources(half) for picture in source.pictures]
    seen = {(picture.shape, picture.tobytes()) for picture in pictures}
    for package in ("pydicom", "pydicom-data"):
        for path in sorted(Path(PACKAGES[package].path("")).rglob("*.dcm")):
            picture = None if path.stem.startswith(_LEFT_OUT) else _picture(path)
            if picture is None or (key := (picture.shape, picture.tobytes())) in seen:
                continue
            seen.add(key)
            yield path.stem, picture


def _picture(path: Path) -> Bytes | None:
    try:
        picture = picture_of_dicom(path)
    except (NoPictureError, PermanentError, ValueError, AttributeError, NotImplementedError, KeyError):
        return None
    return picture if min(picture.shape[:2]) >= _SMALLEST_SIDE else None
