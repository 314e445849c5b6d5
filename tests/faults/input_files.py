"""The files of a campaign; a seed decides their kinds and contents."""

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
from tests.support.factories import make_dataset, to_bytes


class Kind(StrEnum):
    """The kind of a file, which decides in what state it must end."""

    SLICE = "slice"
    FRAMES = "frames"
    BLACK = "black"
    COPY = "copy"  # the bytes of another file
    RIVAL = "rival"  # the SOP Instance UID of another file, with other pixels
    TRUNCATED = "truncated"
    NO_DICOM = "no DICOM"
    BURNED_IN = "burned in"  # the pixels may show a name: must be held
    NO_PICTURE = "no picture"  # a structured report: must be skipped


# Files of each kind in a hundred; the others are slices.
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
    """One file that is put in."""

    number: int
    kind: Kind
    body: bytes
    study: int  # decides the patient too
    instance: int  # files with the same number have the same SOP Instance UID
    frames: int  # images that extract must make of it
    is_from_nas: bool

    @property
    def folder(self) -> str:
        """The file's folder, on the NAS and in raw."""
        return f"{'nas' if self.is_from_nas else 'direct'} {self.study} Ü+%"

    @property
    def name(self) -> str:
        return f"{self.number:04d}.dcm"

    @property
    def relative_key(self) -> str:
        """The object's key without nas/, incoming/, processed/ or held/."""
        return f"{self.folder.replace('%', '%25') if self.is_from_nas else self.folder}/{self.name}"

    def stem(self, pseudonyms: Pseudonyms) -> str:
        """The beginning of the keys of all objects that are made of the file."""
        study = _uid("study", self.study)
        patient = pseudonyms.patient(_patient(self.study), "", study)
        uids = (study, _uid("series", self.study), _uid("instance", self.instance))
        return "/".join([patient, *(pseudonyms.uid(uid) for uid in uids)])


def make_inputs(seed: int, number: int) -> list[InputFile]:
    """Make `number` files; the same seed gives the same files."""
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
                slices.remove(other)  # with two copies or rivals of one file, several results would be right
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
        return _identified(copy.deepcopy(_source("reportsi.dcm")), number, study)
    ds = copy.deepcopy(_source(_SOURCES.get(kind, "CT_small.dcm")))
    if kind in {Kind.SLICE, Kind.TRUNCATED}:
        ds.PixelData = _marked(ds.PixelData, number)
    if kind is Kind.BLACK:
        ds.PixelData = bytes(len(ds.PixelData))
        ds.RescaleIntercept, ds.WindowCenter, ds.WindowWidth = 0, 500, 1000
    body = _identified(ds, number, study)
    return body[: len(body) * 2 // 3] if kind is Kind.TRUNCATED else body


def _rival_of(other: InputFile) -> bytes:
    ds = pydicom.dcmread(io.BytesIO(other.body))
    ds.PixelData = _marked(ds.PixelData, other.number + 5000)
    return to_bytes(ds)


def _marked(pixels: bytes, number: int) -> bytes:
    """Write the number into the first pixels, so that no two files have the same pixels."""
    mark = b"".join(((number >> bit & 1) * 900).to_bytes(2, "little") for bit in range(16))
    return mark + pixels[len(mark) :]


def _identified(ds: FileDataset, number: int, study: int) -> bytes:
    ds.PatientID, ds.PatientName = _patient(study), f"Marker^Patient{study}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid("study", study), _uid("series", study)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = _uid("instance", number)
    ds.InstanceNumber = number
    return to_bytes(ds)


@cache
def _source(name: str) -> FileDataset:
    return make_dataset(name=name)


def _patient(study: int) -> str:
    return f"FAULT-{study // 2}"


def _uid(*parts: object) -> str:
    return str(generate_uid(entropy_srcs=["faults", *(str(part) for part in parts)]))
