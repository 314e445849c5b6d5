"""A marker in every attribute: of table E.1-1 and of the dictionary, at the top, nested, private, unknown."""

import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from common.deidentification.confidentiality_profile import attribute, attributes
from common.deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import describe
from tests.unit.factories import PSEUDONYMS, make_dataset, to_bytes, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")

TEXT = frozenset(["AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"])
# What the file needs to be an image, and to be this file.
NEEDED = frozenset(
    Tag(keyword)
    for keyword in """SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID PhotometricInterpretation
    Modality SpecificCharacterSet PixelData Rows Columns BitsAllocated BitsStored HighBit
    PixelRepresentation SamplesPerPixel""".split()
)
MARKER = re.compile(rb"ZM\d{5}Q", re.IGNORECASE)


class Planter:
    """Gives every attribute a marker of its own."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}  # where, by marker
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
        # A text in the place of a number, a date or a sequence, as writers with faults leave them.
        return DataElement(tag, "LO", marker)


def _table_tags() -> Iterator[int]:
    for row in attributes():
        tag = row.tag.replace("x", "0")
        if row.tag != "ggggeeee" and row.tag[:4] not in {"0000", "0002"} and Tag(int(tag, 16)) not in NEEDED:
            yield int(tag, 16)


def _other_text_tags() -> Iterator[int]:
    for tag, (vr, *_) in DicomDictionary.items():
        if vr in TEXT and attribute(tag) is None and Tag(tag) not in NEEDED and tag >> 16 > 4:
            yield tag


def _planted(planter: Planter, tags: list[int]) -> FileDataset:
    """A CT slice with a marker in each of the attributes, at the top and in three kinds of sequences."""
    ds = make_dataset()
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


def _outputs(ds: FileDataset, folder: Path) -> bytes:
    """Everything that comes of a file but its pictures, which have no text chunks."""
    image_file = to_image_file(to_bytes(ds) + b"\0" * 8, folder)
    instance = deidentify(image_file, PSEUDONYMS, Profile())
    buffer = io.BytesIO()
    instance.write(buffer)
    assert pydicom.dcmread(io.BytesIO(buffer.getvalue())).pixel_array.size
    document = describe(instance, rows=128, columns=128, key_id="x")
    return buffer.getvalue() + document.to_json() + instance.path.instance.encode()


def _left(planter: Planter, outputs: bytes) -> list[str]:
    return sorted(planter.planted[found.decode().upper()] for found in set(MARKER.findall(outputs)))


def test_no_marker_of_the_basic_profile_is_left(tmp_path: Path) -> None:
    """Of a marker in every attribute of table E.1-1, at the top, nested and private, none is left."""
    planter = Planter()
    ds = _planted(planter, list(_table_tags()))
    assert len(planter.planted) > 4000
    assert [] == _left(planter, _outputs(ds, tmp_path))


def test_no_marker_in_text_outside_the_table_is_left(tmp_path: Path) -> None:
    """Of a marker in every text attribute of the dictionary that the table does not name, none is left."""
    planter = Planter()
    ds = _planted(planter, list(_other_text_tags()))
    assert len(planter.planted) > 4000
    assert [] == _left(planter, _outputs(ds, tmp_path))


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Zoë"),
        ("ISO_IR 192", "Łukasiewicz^Żaneta"),
        ("ISO_IR 144", "Иванов^Юлия"),
        (["ISO 2022 IR 6", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("ISO_IR 126", "Διονυσιος"),
    ],
)
def test_names_in_every_character_set_are_found_in_other_attributes(
    charset: str, name: str, tmp_path: Path
) -> None:
    """A name that stands in a description too is left in none of its encodings."""
    ds = make_dataset(SpecificCharacterSet=charset, PatientName=name)
    part = max(re.split(r"[\^=]", name), key=len)
    ds.SeriesDescription, ds.ProtocolName = f"Head {part}", f"{part.upper()} t1"
    outputs = _outputs(ds, tmp_path)
    for word in re.split(r"[\^=]", name):
        for encoding in (
            "utf-8",
            "iso-8859-1",
            "iso-8859-7",
            "iso-8859-5",
            "iso2022_jp",
            "gb18030",
            "euc_kr",
        ):
            encoded = word.encode(encoding, "ignore")
            assert len(encoded) < 3 or encoded not in outputs


def test_an_unknown_element_that_hides_a_sequence_is_entered_or_gone(tmp_path: Path) -> None:
    """A sequence in an element of VR UN leaves none of its names behind."""
    planter = Planter()
    inner = b"\x10\x00\x10\x00" + (10).to_bytes(4, "little") + b"ZM99999Q^A"
    item = b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner
    ds = make_dataset()
    for tag in (0x00400275, 0x00081140, 0x00091001, 0x52009229):
        ds[tag] = RawDataElement(Tag(tag), "UN", len(item), item, 0, False, True)
    planter.planted["ZM99999Q"] = "hidden"
    assert [] == _left(planter, _outputs(ds, tmp_path))
