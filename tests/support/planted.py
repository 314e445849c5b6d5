"""A file with a different marker in every attribute, at every level."""

import itertools
import re
from collections.abc import Iterable, Iterator

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from deidentification.header.confidentiality_profile import attribute, attributes
from tests.support.factories import make_dataset

TEXT = frozenset(["AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"])
# The attributes that make the file an image, and identify it.
NEEDED = frozenset(
    Tag(keyword)
    for keyword in """SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID PhotometricInterpretation
    Modality SpecificCharacterSet PixelData Rows Columns BitsAllocated BitsStored HighBit
    PixelRepresentation SamplesPerPixel""".split()
)
MARKER = re.compile(rb"ZM\d{5}Q", re.IGNORECASE)


class Planter:
    """Makes markers and remembers where each of them was planted."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}  # where each marker was planted
        self._numbers = itertools.count(10_000)

    def marker(self, where: str) -> str:
        marker = f"ZM{next(self._numbers)}Q"
        self.planted[marker] = where
        return marker

    def element(self, tag: int, where: str) -> DataElement:
        vr = dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else "LO"
        marker = self.marker(f"{where} {Tag(tag)}")
        if vr in TEXT:
            return DataElement(tag, vr, marker)
        if vr in {"OB", "OW", "UN", "OF", "OD", "OL", "OV"}:
            return DataElement(tag, vr, marker.encode())
        # Text instead of a number, a date or a sequence, as faulty writers store it.
        return DataElement(tag, "LO", marker)


def table_tags() -> Iterator[int]:
    """The attributes of PS3.15 table E.1-1, except those that the file needs."""
    for row in attributes():
        tag = row.tag.replace("x", "0")
        if row.tag != "ggggeeee" and row.tag[:4] not in {"0000", "0002"} and Tag(int(tag, 16)) not in NEEDED:
            yield int(tag, 16)


def other_text_tags() -> Iterator[int]:
    """The text attributes of the DICOM dictionary that table E.1-1 does not name."""
    for tag, (vr, *_) in DicomDictionary.items():
        if vr in TEXT and attribute(tag) is None and Tag(tag) not in NEEDED and tag >> 16 > 4:
            yield tag


def planted_dataset(planter: Planter, tags: Iterable[int]) -> FileDataset:
    """A CT slice with a marker in each attribute, at the top level and in three sequences."""
    ds, tags = make_dataset(), list(tags)
    for where in (
        "SharedFunctionalGroupsSequence",
        "RealWorldValueMappingSequence",
        "ReferencedImageSequence",
    ):
        item, inner = Dataset(), Dataset()
        for tag in tags:
            item.add(planter.element(tag, where))
            inner.add(planter.element(tag, f"{where} nested"))
        item.DerivationImageSequence = Sequence([inner])
        setattr(ds, where, Sequence([item]))
    reserved = {ds[name].tag for name in ("SharedFunctionalGroupsSequence", "ReferencedImageSequence")}
    for tag in tags:
        if tag not in reserved:
            ds.add(planter.element(tag, "top"))
    for group in (0x0009, 0x0019, 0x0029, 0x7FE1 - 2):
        block = ds.private_block(group, planter.marker("private creator"), create=True)
        for offset, vr in enumerate(("LO", "PN", "UT", "DS", "UN")):
            marker = planter.marker(f"private {vr}")
            block.add_new(offset, vr if vr != "DS" else "LO", marker.encode() if vr == "UN" else marker)
        nested = Dataset()
        nested.PatientName = planter.marker("in a private sequence")
        block.add_new(0x20, "SQ", Sequence([nested]))
    for tag in (0x60000022, 0x60001500, 0x60003000, 0x50000030, 0x00189FF1, 0xFFFCFFFC, 0x00100099):
        ds.add(DataElement(tag, "LO", planter.marker(f"unknown {Tag(tag)}")))
    ds.file_meta.add_new(0x00020016, "AE", planter.marker("file meta"))
    ds.file_meta.PrivateInformationCreatorUID = "1.2.3"
    ds.file_meta.PrivateInformation = planter.marker("file meta").encode()
    ds.preamble = planter.marker("preamble").encode().ljust(128, b"\0")
    return ds


def markers_left(planter: Planter, outputs: bytes) -> list[str]:
    """The places where the markers found in these bytes were planted."""
    return sorted(planter.planted[found.decode().upper()] for found in set(MARKER.findall(outputs)))
