"""Malformed elements: no output of such a file contains text of its patient."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset

from tests.support.extract_outputs import contains, prepared_outputs
from tests.support.factories import make_dataset, real_path, to_bytes
from tests.support.raw_elements import (
    MARKER,
    PREFIX,
    TEXT,
    UNDEFINED,
    ct_with,
    element,
    implicit_element,
    item,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")

Case = Callable[[], bytes]


def _without_file_meta(ds: FileDataset) -> bytes:
    data = to_bytes(ds)
    return data[144 + struct.unpack("<L", data[140:144])[0] :]


def _named() -> FileDataset:
    return make_dataset(PatientName=f"{MARKER}^A", StudyDescription=f"Head {MARKER}")


def _nested(depth: int, *, has_length: bool) -> bytes:
    """Nested sequences that are kept, with a marker in the innermost one."""
    content = element(0x00081030, "LO", TEXT) + element(0x00100010, "PN", TEXT)
    for _ in range(depth):
        nested = item(content, has_length=has_length)
        closed = b"" if has_length else b"\xfe\xff\xdd\xe0\0\0\0\0"
        length = len(nested) if has_length else UNDEFINED
        content = element(0x52009229, "SQ", nested + closed, length=length)
    return content


def _hidden(tag: int, *, length: int | None = None) -> bytes:
    """A sequence of implicit VR in an element of VR UN (PS3.5 6.2.2)."""
    nested = item(
        implicit_element(0x00100010, TEXT)
        + implicit_element(0x00081030, TEXT)
        + implicit_element(0x00180015, TEXT)
    )
    closed = b"\xfe\xff\xdd\xe0\0\0\0\0" if length == UNDEFINED else b""
    return element(tag, "UN", nested + closed, length=length)


def _file_meta(**elements: object) -> bytes:
    ds = make_dataset()
    for keyword, value in elements.items():
        setattr(ds.file_meta, keyword, value)
    return to_bytes(ds)


def _preamble() -> bytes:
    return (TEXT * 11)[:128] + real_path().read_bytes()[128:]


# Files that are prepared, and files that are refused with a cause.
PREPARED: dict[str, Case] = {
    "PatientName as US": lambda: ct_with(element(0x00100010, "US", TEXT), PatientName=None),
    "PatientName as UN": lambda: ct_with(element(0x00100010, "UN", TEXT), PatientName=None),
    "PatientName as SQ of text": lambda: ct_with(element(0x00100010, "SQ", TEXT), PatientName=None),
    "StudyDate as OB": lambda: ct_with(element(0x00080020, "OB", TEXT), StudyDate=None),
    "StudyDate as LO": lambda: ct_with(element(0x00080020, "LO", TEXT), StudyDate=None),
    "StudyDate with letters": lambda: ct_with(element(0x00080020, "DA", TEXT), StudyDate=None),
    "StudyDate in words": lambda: ct_with(element(0x00080020, "DA", b"19ZWEIFELHUBER04"), StudyDate=None),
    "StudyDate in the year 1": lambda: ct_with(element(0x00080020, "DA", b"00010101"), StudyDate=None),
    "date and time with letters": lambda: ct_with(element(0x0008002A, "DT", b"20040119" + TEXT)),
    "time zone with letters": lambda: ct_with(element(0x0008002A, "DT", b"20040119+" + TEXT)),
    "age with letters": lambda: ct_with(element(0x00101010, "AS", TEXT), PatientAge=None),
    "KVP as LO": lambda: ct_with(element(0x00180060, "LO", TEXT), KVP=None),
    "KVP as US": lambda: ct_with(element(0x00180060, "US", TEXT), KVP=None),
    "KVP that is not a number": lambda: ct_with(element(0x00180060, "DS", TEXT), KVP=None),
    "too many numbers": lambda: ct_with(element(0x00280106, "US", TEXT)),
    "AT of text": lambda: ct_with(element(0x00280009, "AT", TEXT)),
    "AT as LO": lambda: ct_with(element(0x00280009, "LO", TEXT)),
    "descriptor of a look-up table as UL": lambda: ct_with(element(0x00281101, "UL", TEXT)),
    "look-up table as UT": lambda: ct_with(element(0x00281201, "UT", TEXT)),
    "look-up table as LO": lambda: ct_with(element(0x00281201, "LO", TEXT)),
    "text after the root of DICOM UIDs": lambda: ct_with(element(0x00081155, "UI", b"1.2.840.10008." + TEXT)),
    "text in a UID": lambda: ct_with(element(0x00200052, "UI", TEXT), FrameOfReferenceUID=None),
    "text in the instance's UID": lambda: ct_with(element(0x00080018, "UI", TEXT), SOPInstanceUID=None),
    "bytes that are not UTF-8": lambda: ct_with(
        element(0x00080005, "CS", b"ISO_IR 192"),
        element(0x00100010, "PN", TEXT + b"\xff\xfe\xc3"),
        element(0x00081030, "LO", b"Head " + TEXT + b"\xff\xfe\xc3\x28"),
        PatientName=None,
        SpecificCharacterSet=None,
    ),
    "lone surrogates": lambda: ct_with(
        element(0x00080005, "CS", b"ISO_IR 192"),
        element(0x00100010, "PN", b"\xed\xa0\x80" + TEXT),
        element(0x00100020, "LO", b"\xed\xa0\x80" + TEXT + b"\xed\xbf\xbf"),
        element(0x00081030, "LO", b"Head \xed\xa0\x80" + TEXT),
        PatientName=None,
        PatientID=None,
        SpecificCharacterSet=None,
    ),
    "nested 40 deep": lambda: ct_with(_nested(40, has_length=True)),
    "nested 40 deep, of undefined length": lambda: ct_with(_nested(40, has_length=False)),
    "UN hides a kept sequence": lambda: ct_with(_hidden(0x52009229)),
    "UN hides a dropped sequence": lambda: ct_with(_hidden(0x00400275)),
    "UN hides an unknown sequence": lambda: ct_with(_hidden(0x00189FF1)),
    "UN hides a private sequence": lambda: ct_with(
        element(0x00190010, "LO", b"SIEMENS MR HEADER"), _hidden(0x0019100C)
    ),
    "UN of undefined length, kept": lambda: ct_with(_hidden(0x52009229, length=UNDEFINED)),
    "UN of undefined length, unknown": lambda: ct_with(_hidden(0x00189FF1, length=UNDEFINED)),
    "UN of undefined length, private": lambda: ct_with(_hidden(0x0019100C, length=UNDEFINED)),
    "text as UN instead of a number": lambda: ct_with(element(0x00180060, "UN", TEXT), KVP=None),
    "private number of text": lambda: ct_with(
        element(0x00190010, "LO", b"SIEMENS MR HEADER"), element(0x0019100C, "IS", TEXT)
    ),
    "private creator of text": lambda: ct_with(
        element(0x00190010, "LO", TEXT), element(0x0019100C, "IS", b"1000")
    ),
    "a name twice, the first marked": lambda: ct_with(element(0x00100010, "PN", TEXT)),
    "a description twice, both marked": lambda: ct_with(
        element(0x00081030, "LO", TEXT), element(0x00081030, "LO", b"Head " + TEXT)
    ),
    "group 0000": lambda: ct_with(element(0x00000010, "LO", TEXT), element(0x00000600, "AE", TEXT)),
    "group 0002 in the data set": lambda: ct_with(element(0x00020016, "AE", TEXT)),
    "group 0004": lambda: ct_with(element(0x00041130, "CS", TEXT), element(0x00041500, "CS", TEXT)),
    "group lengths": lambda: ct_with(
        element(0x00080000, "LO", TEXT), element(0x00100000, "UL", TEXT), element(0x00190000, "UL", TEXT)
    ),
    "padding before all elements": lambda: ct_with(element(0xFFFCFFFC, "OB", TEXT)),
    "padding after the pixels": lambda: ct_with(after=element(0xFFFCFFFC, "OB", TEXT)),
    "bytes after the pixels": lambda: ct_with(after=TEXT),
    "preamble of text": _preamble,
    "private information in the file meta": lambda: _file_meta(
        PrivateInformationCreatorUID="1.2.3", PrivateInformation=TEXT
    ),
    "application titles in the file meta": lambda: _file_meta(
        SourceApplicationEntityTitle=MARKER,
        SendingApplicationEntityTitle=MARKER,
        ReceivingApplicationEntityTitle=MARKER,
        ImplementationVersionName=MARKER,
    ),
}
REFUSED: dict[str, Case] = {
    "Rows as LO": lambda: ct_with(element(0x00280010, "LO", TEXT), Rows=None),
    "Rows as UN": lambda: ct_with(element(0x00280010, "UN", TEXT + b"X"), Rows=None),
    "NumberOfFrames of text": lambda: ct_with(element(0x00280008, "IS", TEXT)),
    "photometric interpretation of text": lambda: to_bytes(make_dataset(PhotometricInterpretation=MARKER)),
    "class of text": lambda: ct_with(element(0x00080016, "UI", TEXT), SOPClassUID=None),
    "no class": lambda: to_bytes(make_dataset(SOPClassUID=None, PatientName=MARKER)),
    "no instance UID": lambda: to_bytes(make_dataset(SOPInstanceUID=None, PatientName=MARKER)),
    "no study UID": lambda: to_bytes(make_dataset(StudyInstanceUID=None, PatientName=MARKER)),
    "unknown VR": lambda: ct_with(element(0x00180060, "ZQ", TEXT), KVP=None),
    "length beyond the end": lambda: ct_with(element(0x00081030, "UT", TEXT, length=1 << 30)),
    "no preamble": lambda: to_bytes(_named())[128:],
    "no preamble, no file meta": lambda: _without_file_meta(_named()),
    "no file meta": lambda: PREFIX + _without_file_meta(_named()),
    "transfer syntax of text": lambda: _file_meta(TransferSyntaxUID=MARKER),
}


@pytest.mark.parametrize("case", PREPARED)
def test_malformed_elements_leave_no_text(case: str, tmp_path: Path) -> None:
    """The file is prepared, and no output contains the text of the malformed element."""
    outcome, outputs = prepared_outputs(PREPARED[case](), tmp_path)
    assert "prepared" == outcome, outputs
    assert not contains(MARKER, outputs)


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_quote_no_text(case: str, tmp_path: Path) -> None:
    """The file is refused, and neither cause nor next step quotes the text."""
    outcome, outputs = prepared_outputs(REFUSED[case](), tmp_path)
    assert "refused" == outcome
    assert not contains(MARKER, outputs)
