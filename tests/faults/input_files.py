"""The files of a campaign, made from a seed, and what must become of each."""

import copy
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from deidentification.pseudonym import Pseudonyms
from tests.support.real_files import real_file


class Kind(StrEnum):
    """What a file is."""

    SLICE = "slice"
    FRAMES = "frames"
    BLACK = "black"
    COPY = "copy"  # the bytes of another one
    RIVAL = "rival"  # the SOP Instance UID of another one, with other pixels
    TRUNCATED = "truncated"
    NO_DICOM = "no DICOM"
    BURNED_IN = "burned in"  # may show a name: held
    NO_PICTURE = "no picture"  # a structured report: skipped


# Of a hundred files; the rest are slices.
_SHARES = {
    Kind.FRAMES: 5,
    Kind.BLACK: 4,
    Kind.COPY: 6,
    Kind.RIVAL: 4,
    Kind.TRUNCATED: 4,
    Kind.NO_DICOM: 3,
    Kind.BURNED_IN: 4,
    Kind.NO_PICTURE: 2,
}
_SOURCES = {Kind.FRAMES: "emri_small.dcm", Kind.BURNED_IN: "examples_rgb_color.dcm"}
PICTURES = frozenset([Kind.SLICE, Kind.FRAMES, Kind.BLACK, Kind.COPY, Kind.RIVAL])
_STUDY_FILES = 12


@dataclass(frozen=True)
class InputFile:
    """One file that goes in."""

    number: int
    kind: Kind
    body: bytes
    study: int  # names its patient too
    instance: int  # files with the same number have the same SOP Instance UID
    frames: int  # pictures that it gives
    is_from_nas: bool

    @property
    def folder(self) -> str:
        """Its folder on the NAS, and in raw."""
        return f"{'nas' if self.is_from_nas else 'direct'} {self.study} Ü+%"

    @property
    def name(self) -> str:
        return f"{self.number:04d}.dcm"

    @property
    def place(self) -> str:
        """Its key below nas/, or below incoming/ and processed/, and below held/."""
        return f"{self.folder.replace('%', '%25') if self.is_from_nas else self.folder}/{self.name}"

    def stem(self, pseudonyms: Pseudonyms) -> str:
        """The keys of all that is made of it begin so."""
        study = _uid("study", self.study)
        patient = pseudonyms.patient(_patient(self.study), "", study)
        uids = (study, _uid("series", self.study), _uid("instance", self.instance))
        return "/".join([patient, *(pseudonyms.uid(uid) for uid in uids)])


def make_inputs(seed: int, number: int) -> list[InputFile]:
    """The files of a campaign; the same seed, the same files."""
    chance = random.Random(seed)
    kinds = [kind for kind, share in _SHARES.items() for _ in range(max(1, round(number * share / 100)))]
    kinds += [Kind.SLICE] * (number - len(kinds))
    first, rest = kinds[-1], kinds[:-1]
    chance.shuffle(rest)
    return list(_inputs([first, *rest], chance))


def _inputs(kinds: Sequence[Kind], chance: random.Random) -> Iterator[InputFile]:
    slices: list[InputFile] = []
    for number, kind in enumerate(kinds):
        study = number // _STUDY_FILES
        is_from_nas = study % 2 == 0
        if kind in {Kind.COPY, Kind.RIVAL}:
            other = chance.choice(slices)
            if len(slices) > 1:
                slices.remove(other)  # a trio of copies and rivals has no one right end
            body = other.body if kind is Kind.COPY else _rival_of(other)
            yield InputFile(number, kind, body, other.study, other.instance, 1, is_from_nas)
            continue
        body = _body(kind, number, study)
        frames = {Kind.SLICE: 1, Kind.BLACK: 1, Kind.FRAMES: 10}.get(kind, 0)
        made = InputFile(number, kind, body, study, number, frames, is_from_nas)
        if kind is Kind.SLICE:
            slices.append(made)
        yield made


def _body(kind: Kind, number: int, study: int) -> bytes:
    if kind is Kind.NO_DICOM:
        return f"note {number}, no DICOM at all\n".encode() * 20
    if kind is Kind.NO_PICTURE:
        return _told(copy.deepcopy(_source("reportsi.dcm")), number, study)
    ds = copy.deepcopy(_source(_SOURCES.get(kind, "CT_small.dcm")))
    if kind in {Kind.SLICE, Kind.TRUNCATED}:
        ds.PixelData = _marked(ds.PixelData, number)
    if kind is Kind.BLACK:
        ds.PixelData = bytes(len(ds.PixelData))
        ds.RescaleIntercept, ds.WindowCenter, ds.WindowWidth = 0, 500, 1000
    body = _told(ds, number, study)
    return body[: len(body) * 2 // 3] if kind is Kind.TRUNCATED else body


def _rival_of(other: InputFile) -> bytes:
    ds = pydicom.dcmread(io.BytesIO(other.body))
    ds.PixelData = _marked(ds.PixelData, other.number + 5000)
    return _to_bytes(ds)


def _marked(pixels: bytes, number: int) -> bytes:
    """Every file's pixels are its own, so that a mix-up shows."""
    mark = b"".join(((number >> bit & 1) * 900).to_bytes(2, "little") for bit in range(16))
    return mark + pixels[len(mark) :]


def _told(ds: FileDataset, number: int, study: int) -> bytes:
    ds.PatientID, ds.PatientName = _patient(study), f"Marker^Patient{study}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid("study", study), _uid("series", study)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = _uid("instance", number)
    ds.InstanceNumber = number
    return _to_bytes(ds)


def _to_bytes(ds: FileDataset) -> bytes:
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


@cache
def _source(name: str) -> FileDataset:
    return pydicom.dcmread(io.BytesIO(real_file(name)))


def _patient(study: int) -> str:
    return f"FAULT-{study // 2}"


def _uid(*parts: object) -> str:
    return str(generate_uid(entropy_srcs=["faults", *(str(part) for part in parts)]))
