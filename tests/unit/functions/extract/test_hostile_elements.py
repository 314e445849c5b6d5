"""Elements as no writer should leave them: what becomes of such a file tells nothing of its patient."""

import io
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.charset import convert_encodings, encode_string
from pydicom.dataset import FileDataset
from pydicom.tag import Tag

from common.errors import HoldError, PermanentError
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import describe
from functions.extract.output_space import read_kept
from functions.extract.prepared_instance import InstancePreparer, Rules
from imaging.frames.image_checks import NoPictureError, reading_elements
from imaging.rendering.picture_recipe import PictureRules
from tests.support.factories import KEY, LIMITS, PSEUDONYMS, make_dataset, real_path, to_bytes, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")

MARKER = "ZWEIFELHUBER"
TEXT = MARKER.encode()
UNDEFINED = 0xFFFFFFFF
PREFIX = bytes(128) + b"DICM"
PREPARE = InstancePreparer(Rules(KEY, LIMITS, PictureRules(), Profile(), hold_burned_in_text=True))
Case = Callable[[], bytes]


def _told(data: bytes, folder: Path) -> tuple[str, bytes]:
    """What became of a file, and everything that is told of it outside raw."""
    source = folder / "source.dcm"
    source.write_bytes(data)
    try:
        prepared = PREPARE(source, folder, releases=0, heartbeat=lambda: None)
    except (PermanentError, HoldError, NoPictureError) as error:
        return "refused", f"{error} {vars(error)}".encode()
    dicom = read_kept(prepared.dicom)
    assert pydicom.dcmread(io.BytesIO(dicom)).pixel_array.size
    outputs = [dicom, prepared.document.to_json(), prepared.path.instance.encode()]
    return "prepared", b"".join([*outputs, *(frame.read() for frame in prepared.frames)])


def _is_told(text: str, told: bytes) -> bool:
    """Whether a text is in it, in any case and in the encodings of one and two bytes a letter."""
    forms = (text.lower().encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
    return any(form in told.lower() for form in forms)


def _element(tag: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """An element in explicit VR little endian (PS3.5 7.1.2)."""
    value += b" " * (len(value) % 2)
    length = len(value) if length is None else length
    is_long = vr in {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack("<HL", 0, length) if is_long else struct.pack("<H", length)) + value


def _implicit(tag: int, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value)) + value


def _item(content: bytes, *, is_closed_by_length: bool = True) -> bytes:
    if is_closed_by_length:
        return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(content)) + content
    return b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + content + b"\xfe\xff\x0d\xe0\0\0\0\0"


def _with(*elements: bytes, behind: bytes = b"", **others: object) -> bytes:
    """CT_small with raw elements before all others, and some behind its pixels."""
    data = to_bytes(make_dataset(**others))
    start = 144 + struct.unpack("<L", data[140:144])[0]
    return data[:start] + b"".join(elements) + data[start:] + behind


def _without_file_meta(ds: FileDataset) -> bytes:
    data = to_bytes(ds)
    return data[144 + struct.unpack("<L", data[140:144])[0] :]


def _named() -> FileDataset:
    return make_dataset(PatientName=f"{MARKER}^A", StudyDescription=f"Head {MARKER}")


def _nested(depth: int, *, is_closed_by_length: bool) -> bytes:
    """Sequences in sequences that are kept, and a marker at the bottom."""
    content = _element(0x00081030, "LO", TEXT) + _element(0x00100010, "PN", TEXT)
    for _ in range(depth):
        item = _item(content, is_closed_by_length=is_closed_by_length)
        closed = b"" if is_closed_by_length else b"\xfe\xff\xdd\xe0\0\0\0\0"
        length = len(item) if is_closed_by_length else UNDEFINED
        content = _element(0x52009229, "SQ", item + closed, length=length)
    return content


def _hidden(tag: int, *, length: int | None = None) -> bytes:
    """A sequence of implicit VR in an element of VR UN (PS3.5 6.2.2)."""
    item = _item(_implicit(0x00100010, TEXT) + _implicit(0x00081030, TEXT) + _implicit(0x00180015, TEXT))
    closed = b"\xfe\xff\xdd\xe0\0\0\0\0" if length == UNDEFINED else b""
    return _element(tag, "UN", item + closed, length=length)


def _file_meta(**elements: object) -> bytes:
    ds = make_dataset()
    for keyword, value in elements.items():
        setattr(ds.file_meta, keyword, value)
    return to_bytes(ds)


def _preamble() -> bytes:
    return (TEXT * 11)[:128] + real_path().read_bytes()[128:]


# Which of them still give an image, and which are refused with a cause.
PREPARED: dict[str, Case] = {
    "PatientName as US": lambda: _with(_element(0x00100010, "US", TEXT), PatientName=None),
    "PatientName as UN": lambda: _with(_element(0x00100010, "UN", TEXT), PatientName=None),
    "PatientName as SQ of text": lambda: _with(_element(0x00100010, "SQ", TEXT), PatientName=None),
    "StudyDate as OB": lambda: _with(_element(0x00080020, "OB", TEXT), StudyDate=None),
    "StudyDate as LO": lambda: _with(_element(0x00080020, "LO", TEXT), StudyDate=None),
    "StudyDate with letters": lambda: _with(_element(0x00080020, "DA", TEXT), StudyDate=None),
    "StudyDate in words": lambda: _with(_element(0x00080020, "DA", b"19ZWEIFELHUBER04"), StudyDate=None),
    "StudyDate in the year 1": lambda: _with(_element(0x00080020, "DA", b"00010101"), StudyDate=None),
    "date and time with letters": lambda: _with(_element(0x0008002A, "DT", b"20040119" + TEXT)),
    "time zone with letters": lambda: _with(_element(0x0008002A, "DT", b"20040119+" + TEXT)),
    "age with letters": lambda: _with(_element(0x00101010, "AS", TEXT), PatientAge=None),
    "KVP as LO": lambda: _with(_element(0x00180060, "LO", TEXT), KVP=None),
    "KVP as US": lambda: _with(_element(0x00180060, "US", TEXT), KVP=None),
    "KVP of no number": lambda: _with(_element(0x00180060, "DS", TEXT), KVP=None),
    "more numbers than may be": lambda: _with(_element(0x00280106, "US", TEXT)),
    "AT of text": lambda: _with(_element(0x00280009, "AT", TEXT)),
    "AT as LO": lambda: _with(_element(0x00280009, "LO", TEXT)),
    "descriptor of a look-up table as UL": lambda: _with(_element(0x00281101, "UL", TEXT)),
    "look-up table as UT": lambda: _with(_element(0x00281201, "UT", TEXT)),
    "look-up table as LO": lambda: _with(_element(0x00281201, "LO", TEXT)),
    "text behind DICOM's root": lambda: _with(_element(0x00081155, "UI", b"1.2.840.10008." + TEXT)),
    "text in a UID": lambda: _with(_element(0x00200052, "UI", TEXT), FrameOfReferenceUID=None),
    "text in the instance's UID": lambda: _with(_element(0x00080018, "UI", TEXT), SOPInstanceUID=None),
    "bytes that are no UTF-8": lambda: _with(
        _element(0x00080005, "CS", b"ISO_IR 192"),
        _element(0x00100010, "PN", TEXT + b"\xff\xfe\xc3"),
        _element(0x00081030, "LO", b"Head " + TEXT + b"\xff\xfe\xc3\x28"),
        PatientName=None,
        SpecificCharacterSet=None,
    ),
    "lone surrogates": lambda: _with(
        _element(0x00080005, "CS", b"ISO_IR 192"),
        _element(0x00100010, "PN", b"\xed\xa0\x80" + TEXT),
        _element(0x00100020, "LO", b"\xed\xa0\x80" + TEXT + b"\xed\xbf\xbf"),
        _element(0x00081030, "LO", b"Head \xed\xa0\x80" + TEXT),
        PatientName=None,
        PatientID=None,
        SpecificCharacterSet=None,
    ),
    "nested 40 deep": lambda: _with(_nested(40, is_closed_by_length=True)),
    "nested 40 deep, of undefined length": lambda: _with(_nested(40, is_closed_by_length=False)),
    "UN hides a kept sequence": lambda: _with(_hidden(0x52009229)),
    "UN hides a dropped sequence": lambda: _with(_hidden(0x00400275)),
    "UN hides an unknown sequence": lambda: _with(_hidden(0x00189FF1)),
    "UN hides a private sequence": lambda: _with(
        _element(0x00190010, "LO", b"SIEMENS MR HEADER"), _hidden(0x0019100C)
    ),
    "UN of undefined length, kept": lambda: _with(_hidden(0x52009229, length=UNDEFINED)),
    "UN of undefined length, unknown": lambda: _with(_hidden(0x00189FF1, length=UNDEFINED)),
    "UN of undefined length, private": lambda: _with(_hidden(0x0019100C, length=UNDEFINED)),
    "UN of text in a number's place": lambda: _with(_element(0x00180060, "UN", TEXT), KVP=None),
    "private number of text": lambda: _with(
        _element(0x00190010, "LO", b"SIEMENS MR HEADER"), _element(0x0019100C, "IS", TEXT)
    ),
    "private creator of text": lambda: _with(
        _element(0x00190010, "LO", TEXT), _element(0x0019100C, "IS", b"1000")
    ),
    "a name twice, the first marked": lambda: _with(_element(0x00100010, "PN", TEXT)),
    "a description twice, both marked": lambda: _with(
        _element(0x00081030, "LO", TEXT), _element(0x00081030, "LO", b"Head " + TEXT)
    ),
    "group 0000": lambda: _with(_element(0x00000010, "LO", TEXT), _element(0x00000600, "AE", TEXT)),
    "group 0002 in the data set": lambda: _with(_element(0x00020016, "AE", TEXT)),
    "group 0004": lambda: _with(_element(0x00041130, "CS", TEXT), _element(0x00041500, "CS", TEXT)),
    "group lengths": lambda: _with(
        _element(0x00080000, "LO", TEXT), _element(0x00100000, "UL", TEXT), _element(0x00190000, "UL", TEXT)
    ),
    "padding before all": lambda: _with(_element(0xFFFCFFFC, "OB", TEXT)),
    "padding behind the pixels": lambda: _with(behind=_element(0xFFFCFFFC, "OB", TEXT)),
    "bytes behind the pixels": lambda: _with(behind=TEXT),
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
    "Rows as LO": lambda: _with(_element(0x00280010, "LO", TEXT), Rows=None),
    "Rows as UN": lambda: _with(_element(0x00280010, "UN", TEXT + b"X"), Rows=None),
    "NumberOfFrames of text": lambda: _with(_element(0x00280008, "IS", TEXT)),
    "photometric interpretation of text": lambda: to_bytes(make_dataset(PhotometricInterpretation=MARKER)),
    "class of text": lambda: _with(_element(0x00080016, "UI", TEXT), SOPClassUID=None),
    "no class": lambda: to_bytes(make_dataset(SOPClassUID=None, PatientName=MARKER)),
    "no instance UID": lambda: to_bytes(make_dataset(SOPInstanceUID=None, PatientName=MARKER)),
    "no study UID": lambda: to_bytes(make_dataset(StudyInstanceUID=None, PatientName=MARKER)),
    "VR of no kind": lambda: _with(_element(0x00180060, "ZQ", TEXT), KVP=None),
    "length beyond the end": lambda: _with(_element(0x00081030, "UT", TEXT, length=1 << 30)),
    "no preamble": lambda: to_bytes(_named())[128:],
    "no preamble, no file meta": lambda: _without_file_meta(_named()),
    "no file meta": lambda: PREFIX + _without_file_meta(_named()),
    "transfer syntax of text": lambda: _file_meta(TransferSyntaxUID=MARKER),
}


@pytest.mark.parametrize("case", PREPARED)
def test_odd_elements_leave_nothing(case: str, tmp_path: Path) -> None:
    """The image is prepared, and the text in the odd element is nowhere."""
    outcome, told = _told(PREPARED[case](), tmp_path)
    assert "prepared" == outcome, told
    assert not _is_told(MARKER, told)


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_quote_nothing(case: str, tmp_path: Path) -> None:
    """The file is refused, and neither cause nor next step quotes it."""
    outcome, told = _told(REFUSED[case](), tmp_path)
    assert "refused" == outcome
    assert not _is_told(MARKER, told)


TEXT_VRS = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split()
BINARY_VRS = "OB OD OF OL OV OW UN AT US SS UL SL FL FD SV UV".split()
# What makes the file an image of its own.
NEEDED = frozenset(
    Tag(keyword)
    for keyword in """SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID PhotometricInterpretation
    SpecificCharacterSet Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel
    NumberOfFrames PlanarConfiguration PixelAspectRatio""".split()
)


def _all_tags() -> Iterator[tuple[int, str]]:
    """Every attribute of the dictionary that an image may do without, and its VR."""
    for tag, (vr, *_) in DicomDictionary.items():
        if tag >> 16 > 4 and tag >> 16 < 0x7FE0 and Tag(tag) not in NEEDED:
            yield tag, f"{vr} or OB" if vr.endswith("OW") else vr


@pytest.mark.parametrize("vr", TEXT_VRS + BINARY_VRS)
@pytest.mark.parametrize("is_nested", [False, True])
def test_text_under_every_vr(vr: str, *, is_nested: bool, tmp_path: Path) -> None:
    """Of a text in every attribute of the dictionary, under another VR than its own, nothing is left."""
    own_numbers = set(BINARY_VRS) if vr == "UN" else {vr}  # UN stands for the own VR
    tags = [tag for tag, own in _all_tags() if not own_numbers & set(own.split(" or "))]
    elements = b"".join(_element(tag, vr, TEXT + TEXT[:4]) for tag in tags)  # 16 bytes fit every VR
    told = _undrawn(_with(_element(0x52009229, "SQ", _item(elements)) if is_nested else elements), tmp_path)
    assert told.startswith(PREFIX), told
    assert not _is_told(MARKER, told)


def _undrawn(data: bytes, folder: Path) -> bytes:
    """What is told of a file but for its pictures, which some odd elements would spoil."""
    buffer = io.BytesIO()
    try:
        with reading_elements():
            instance = deidentify(to_image_file(data, folder), PSEUDONYMS, Profile())
            instance.write(buffer)
            return buffer.getvalue() + describe(instance, rows=128, columns=128, key_id="x").to_json()
    except PermanentError as error:
        return f"{error} {error.next_step}".encode()


@pytest.mark.parametrize("vr", [*TEXT_VRS, "UN"])
def test_names_under_another_vr_are_names(vr: str, tmp_path: Path) -> None:
    """A name tells the patient under whichever VR: a description with a word of it does not stay."""
    data = _with(_element(0x00100010, vr, b"THORAX^A"), PatientName=None, StudyDescription="CT Thorax")
    outcome, told = _told(data, tmp_path)
    assert "prepared" == outcome, told
    assert not _is_told("Thorax", told)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ConvolutionKernel", "5551234567"),
        ("ConvolutionKernel", "B30f 5551234567"),
        ("Manufacturer", "Siemens 5551234567"),
        ("ManufacturerModelName", "Sensation 1912"),
    ],
)
def test_long_numbers_are_no_make_and_no_kernel(keyword: str, value: str, tmp_path: Path) -> None:
    """A number of more than three digits beside known words may be anyone's."""
    image_file = to_image_file(make_dataset(**{keyword: value}), tmp_path)
    assert not deidentify(image_file, PSEUDONYMS, Profile()).attributes.get(keyword)


@pytest.mark.parametrize("date", ["12 03 65", "12 3 1965", "12:03:65", "12.03.65", "65-03-12", "3 / 12 / 65"])
def test_dates_in_descriptions_are_gone(date: str, tmp_path: Path) -> None:
    """Whole numbers side by side may be a date, whatever stands between them."""
    image_file = to_image_file(make_dataset(StudyDescription=f"Head {date} axial 3 mm"), tmp_path)
    instance = deidentify(image_file, PSEUDONYMS, Profile())
    assert "Head axial 3 mm" == instance.attributes.StudyDescription


# The defined terms of PS3.3 C.12.1.1.2, each with a name in its letters.
CHARACTER_SETS = {
    "ISO_IR 13": ("shift_jis", "ﾔﾏﾀﾞﾕｳｺ^ﾀﾛｳ"),
    "ISO_IR 100": ("iso8859-1", "Müßighöfer^Zoë"),
    "ISO_IR 101": ("iso8859-2", "Łukasińczyk^Żaneta"),
    "ISO_IR 109": ("iso8859-3", "Ġużeppiħ^Ċetta"),
    "ISO_IR 110": ("iso8859-4", "Šķērsiņš^Žaņete"),
    "ISO_IR 126": ("iso8859-7", "Διονυσιάδης^Νίκη"),
    "ISO_IR 127": ("iso8859-6", "قباني^نزار"),
    "ISO_IR 138": ("iso8859-8", "שרוני^דבורה"),
    "ISO_IR 144": ("iso8859-5", "Люксембург^Юлия"),
    "ISO_IR 148": ("iso8859-9", "Çavuşoğlu^İpek"),
    "ISO_IR 166": ("iso8859-11", "นามสกุล^ชื่อ"),
    "ISO_IR 192": ("utf-8", "Łukasiewicz^Żaneta=王小东^赵先生"),
    "ISO_IR 203": ("iso8859-15", "Œuvrardžan^Šárka"),
    "GB18030": ("gb18030", "Wanghua^XiaoDong=王小东^赵㐀先"),
    "GBK": ("gbk", "Zhanghua^XiaoDong=张小东^镕基先"),
    "ISO 2022 IR 13": ("shift_jis", "Yamadayuko^Tarou=ﾔﾏﾀﾞﾕｳｺ^ﾀﾛｳ"),
    "ISO 2022 IR 58": ("gb2312", "Zhanghua^XiaoDong=张小东^小东东"),
    "ISO 2022 IR 87": ("iso2022_jp", "Yamadayuko^Tarou=山田太郎^花子花"),
    "ISO 2022 IR 144": ("iso8859-5", "Luxemburgowa^Julia=Люксембург^Юлия"),
    "ISO 2022 IR 149": ("euc_kr", "Honghee^Gildong=洪吉洞^홍길동"),
    "ISO 2022 IR 159": ("iso2022_jp_2", "Yamadayuko^Tarou=龗龢麤^麤龗龢"),
}
LIES = """ISO_IR 192,ISO_IR 100,ISO_IR 13,GB18030,ISO_IR 999,\\ISO 2022 IR 87,\\ISO 2022 IR 149,\\\\A\\B,
    ISO_IR 192\\ISO 2022 IR 87,ISO 2022 IR 87\\ISO_IR 100\\X,""".replace("\n    ", "").split(",")


@pytest.mark.parametrize("term", CHARACTER_SETS)
def test_names_in_every_character_set_are_gone(term: str, tmp_path: Path) -> None:
    """A name is left in no attribute and no encoding, wherever else it is written."""
    told = _undrawn(_named_in(term, declared=_declared(term)), tmp_path)
    assert told.startswith(PREFIX), told
    assert [] == _left_of(term, told)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("term", CHARACTER_SETS)
def test_names_in_another_character_set_than_declared_are_gone(term: str, lie: str, tmp_path: Path) -> None:
    """A declared character set that is another, unknown or nonsense lets nothing through."""
    assert [] == _left_of(term, _undrawn(_named_in(term, declared=lie), tmp_path))


@pytest.mark.parametrize("term", [term for term in CHARACTER_SETS if "2022" in term])
def test_names_without_their_escapes_are_gone(term: str, tmp_path: Path) -> None:
    """Characters of a code extension without the escape sequence that begins it (PS3.5 6.1.2.5)."""
    data = _named_in(term, declared=_declared(term)).replace(b"\x1b", b"")
    assert [] == _left_of(term, _undrawn(data, tmp_path))


def _declared(term: str) -> str:
    return f"\\{term}" if "2022" in term else term


def _words(term: str) -> list[str]:
    return re.split(r"[\^=]", CHARACTER_SETS[term][1])


def _encoded(term: str, text: str) -> bytes:
    if "2022" in term:
        return encode_string(text, convert_encodings(["", term]))
    return text.encode(CHARACTER_SETS[term][0])


def _named_in(term: str, *, declared: str) -> bytes:
    """A file with a name in its own element, in descriptions, coded strings, comments and items."""
    text = _encoded(term, " ".join(_words(term)))
    code = _element(0x00080100, "SH", b"39607008") + _element(0x00080102, "SH", b"SCT")
    item = _element(0x00081030, "LO", b"CT " + text) + _element(0x00204000, "LT", text)
    return _with(
        _element(0x00080005, "CS", declared.encode()),
        _element(0x00080070, "LO", b"Siemens " + text),
        item,
        _element(0x0008103E, "LO", text),
        _element(0x00082218, "SQ", _item(code + _element(0x00080104, "LO", b"Lung " + text))),
        _element(0x00100010, "PN", _encoded(term, CHARACTER_SETS[term][1])),
        _element(0x00180015, "CS", text),
        _element(0x00181030, "LO", text + b" t1"),
        _element(0x00400275, "SQ", _item(item)),
        _element(0x52009229, "SQ", _item(item + _element(0x00100010, "PN", text))),
        PatientName=None,
        SpecificCharacterSet=None,
        Manufacturer=None,
    )


def _left_of(term: str, told: bytes) -> list[str]:
    """The words of a name that are told, as they are, as misread, and in any case."""
    document = told[told.rfind(b'{\n  "header"') :]
    found = [] if document.isascii() else ["letters"]
    for word in _words(term):
        raw = _encoded(term, word)
        forms = {raw, raw.decode("latin-1").encode()}
        for spelling in (word, word.upper(), word.lower(), word.title()):
            forms |= {spelling.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")}
            forms.add(spelling.encode(CHARACTER_SETS[term][0], "ignore"))
        found += [word for form in forms if len(form) > 2 and form in told]
    return found
