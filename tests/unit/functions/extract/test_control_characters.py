"""Texts with NUL and other characters that no database stores: the file is read, and what leaves has none."""

import io
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from common.metadata_document import MetadataDocument
from deidentification.header.value_rules import printable
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import build_document, to_json_values
from tests.support.code_points import CODE_POINTS
from tests.support.factories import PSEUDONYMS, to_image_file
from tests.support.raw_elements import ct_with, element, item

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def _prepared(data: bytes, folder: Path) -> tuple[MetadataDocument, bytes]:
    instance = deidentify(to_image_file(data, folder), PSEUDONYMS, Profile())
    buffer = io.BytesIO()
    instance.write(buffer)
    return build_document(instance, rows=128, columns=128, key_id="x"), buffer.getvalue()


@pytest.mark.parametrize("text", [b"SIEMENS\0\0rest", b"SIEMENS\0", b"\0SIEMENS", b"\0\0SIEMENS\0x"])
def test_nul_ends_or_leaves_a_name(text: bytes, tmp_path: Path) -> None:
    """A text ends at its NUL, as in C; NUL characters before it are left out."""
    document, written = _prepared(ct_with(element(0x00080070, "LO", text), Manufacturer=None), tmp_path)
    assert "SIEMENS" == document.series.manufacturer
    assert "SIEMENS" == pydicom.dcmread(io.BytesIO(written)).Manufacturer


@pytest.mark.parametrize(
    "text",
    [b"ORIGINAL\0\\PRIMARY\\AXIAL", b"\0ORIGINAL\\PRIMARY\0\0\\AXIAL\0", b"ORIGINAL\\PRIMARY\\\0AXIAL"],
)
def test_nul_in_one_of_several_values(text: bytes, tmp_path: Path) -> None:
    """Each value of several is read without its NUL."""
    document, written = _prepared(ct_with(element(0x00080008, "CS", text), ImageType=None), tmp_path)
    assert ["ORIGINAL", "PRIMARY", "AXIAL"] == document.instance.attributes["ImageType"]
    assert ["ORIGINAL", "PRIMARY", "AXIAL"] == pydicom.dcmread(io.BytesIO(written)).ImageType


@pytest.mark.parametrize(
    "term",
    [b"\0ISO_IR 100", b"ISO_IR\x00 100", b"ISO_IR 100\\\0ISO 2022 IR 87", b"\0\0", b"hex", b"undefined"],
)
def test_character_sets_that_are_none(term: bytes, tmp_path: Path) -> None:
    """NUL in the name of a character set, or a name of no character set, makes no file unreadable."""
    nested = item(element(0x00080005, "CS", term) + element(0x00081030, "LO", b"Head CT"))
    data = ct_with(
        element(0x00080005, "CS", term),
        element(0x00081030, "LO", b"Head CT"),
        element(0x52009229, "SQ", nested),
        SpecificCharacterSet=None,
        StudyDescription=None,
    )
    document, _ = _prepared(data, tmp_path)
    assert "Head CT" == document.instance.attributes["StudyDescription"]


TEXTS = {
    "Manufacturer": (0x00080070, "LO"),
    "ImageType": (0x00080008, "CS"),
    "StudyDescription": (0x00081030, "LO"),
    "BodyPartExamined": (0x00180015, "CS"),
    "ConvolutionKernel": (0x00181210, "SH"),
    "Modality": (0x00080060, "CS"),
    "PatientSex": (0x00100040, "CS"),
    "ViewPosition": (0x00185101, "CS"),
    "ImageComments": (0x00204000, "LT"),
}


@pytest.mark.parametrize(
    ("tag", "keyword"), [(0x00080070, "Manufacturer"), (0x00081090, "ManufacturerModelName")]
)
def test_text_over_the_length_of_its_column_is_cut(tag: int, keyword: str, tmp_path: Path) -> None:
    """A maker's name of more than 64 characters stops no file."""
    data = ct_with(element(tag, "LO", b"SIEMENS " * 20), **{keyword: None})
    document, _ = _prepared(data, tmp_path)
    series = document.series
    assert 64 == len((series.manufacturer if keyword == "Manufacturer" else series.model) or "")


@pytest.mark.parametrize("where", ["in front", "inside", "behind"])
@pytest.mark.parametrize("kind", CODE_POINTS)
def test_no_text_of_a_document_has_what_postgres_refuses(kind: str, where: str, tmp_path: Path) -> None:
    """Whatever characters the texts of a file have, its document is JSON without NUL and lone surrogates."""
    characters = CODE_POINTS[kind].encode("utf-8", "surrogatepass")
    first, last = {"in front": (b"", b"HEAD"), "inside": (b"HE", b"AD"), "behind": (b"HEAD", b"")}[where]
    elements = [element(tag, vr, first + characters + last) for tag, vr in TEXTS.values()]
    absent = dict.fromkeys(["SpecificCharacterSet", *TEXTS])
    data = ct_with(element(0x00080005, "CS", b"ISO_IR 192"), *elements, **absent)
    document, _ = _prepared(data, tmp_path)
    body = document.to_json()
    assert b"\\u0000" not in body
    assert b"\0" not in body
    assert body.decode("utf-8", "strict")


@pytest.mark.parametrize("kind", CODE_POINTS)
def test_attributes_become_texts_that_can_be_stored(kind: str) -> None:
    """The values of a document have neither NUL nor surrogates, whichever rule let them pass."""
    ds = Dataset()
    ds.add_new("StudyDescription", "LO", f"Head {CODE_POINTS[kind]} CT")
    (value,) = to_json_values(ds).values()
    for text in [value] if isinstance(value, str) else value:
        assert "\0" not in text
        assert text.encode()
        assert printable(text) == text
