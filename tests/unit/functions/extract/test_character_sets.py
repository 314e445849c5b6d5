"""Names in every character set: no output contains them in any encoding."""

import re
from pathlib import Path

import pytest
from pydicom.charset import convert_encodings, encode_string

from tests.support.extract_outputs import text_outputs
from tests.support.raw_elements import PREFIX, ct_with, element, item

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")

# The defined terms of PS3.3 C.12.1.1.2, each with a name in this character set.
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
DECLARED = """ISO_IR 192,ISO_IR 100,ISO_IR 13,GB18030,ISO_IR 999,\\ISO 2022 IR 87,\\ISO 2022 IR 149,\\\\A\\B,
    ISO_IR 192\\ISO 2022 IR 87,ISO 2022 IR 87\\ISO_IR 100\\X,""".replace("\n    ", "").split(",")


@pytest.mark.parametrize("term", CHARACTER_SETS)
def test_names_in_every_character_set_are_removed(term: str, tmp_path: Path) -> None:
    """A name is removed from every attribute, in every encoding."""
    outputs = text_outputs(_named_in(term, declared=_declared(term)), tmp_path)
    assert outputs.startswith(PREFIX), outputs
    assert [] == _found_in(term, outputs)


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("term", CHARACTER_SETS)
def test_names_in_another_character_set_than_declared_are_removed(
    term: str, declared: str, tmp_path: Path
) -> None:
    """A name is removed also if the declared character set is wrong, unknown or malformed."""
    assert [] == _found_in(term, text_outputs(_named_in(term, declared=declared), tmp_path))


@pytest.mark.parametrize("term", [term for term in CHARACTER_SETS if "2022" in term])
def test_names_without_their_escape_sequences_are_removed(term: str, tmp_path: Path) -> None:
    """A name in a code extension is removed also without its escape sequences (PS3.5 6.1.2.5)."""
    data = _named_in(term, declared=_declared(term)).replace(b"\x1b", b"")
    assert [] == _found_in(term, text_outputs(data, tmp_path))


def _declared(term: str) -> str:
    return f"\\{term}" if "2022" in term else term


def _words(term: str) -> list[str]:
    return re.split(r"[\^=]", CHARACTER_SETS[term][1])


def _encoded(term: str, text: str) -> bytes:
    if "2022" in term:
        return encode_string(text, convert_encodings(["", term]))
    return text.encode(CHARACTER_SETS[term][0])


def _named_in(term: str, *, declared: str) -> bytes:
    """A file with a name in PatientName, descriptions, coded strings, comments and items."""
    text = _encoded(term, " ".join(_words(term)))
    code = element(0x00080100, "SH", b"39607008") + element(0x00080102, "SH", b"SCT")
    nested = element(0x00081030, "LO", b"CT " + text) + element(0x00204000, "LT", text)
    return ct_with(
        element(0x00080005, "CS", declared.encode()),
        element(0x00080070, "LO", b"Siemens " + text),
        nested,
        element(0x0008103E, "LO", text),
        element(0x00082218, "SQ", item(code + element(0x00080104, "LO", b"Lung " + text))),
        element(0x00100010, "PN", _encoded(term, CHARACTER_SETS[term][1])),
        element(0x00180015, "CS", text),
        element(0x00181030, "LO", text + b" t1"),
        element(0x00400275, "SQ", item(nested)),
        element(0x52009229, "SQ", item(nested + element(0x00100010, "PN", text))),
        PatientName=None,
        SpecificCharacterSet=None,
        Manufacturer=None,
    )


def _found_in(term: str, outputs: bytes) -> list[str]:
    """The parts of a name in outputs: as they are, decoded wrongly, and in any case."""
    document = outputs[outputs.rfind(b'{\n  "header"') :]
    found = [] if document.isascii() else ["not ASCII"]
    for word in _words(term):
        raw = _encoded(term, word)
        forms = {raw, raw.decode("latin-1").encode()}
        for spelling in (word, word.upper(), word.lower(), word.title()):
            forms |= {spelling.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")}
            forms.add(spelling.encode(CHARACTER_SETS[term][0], "ignore"))
        found += [word for form in forms if len(form) > 2 and form in outputs]
    return found
