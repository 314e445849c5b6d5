"""Markers in all attributes of table E.1-1 and of the dictionary, top-level, nested, private and unknown."""

import io
import re
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.tag import Tag

from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import build_document
from tests.support.factories import PSEUDONYMS, make_dataset, to_bytes, to_image_file
from tests.support.planted import Planter, markers_left, other_text_tags, planted_dataset, table_tags

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")


def _outputs(ds: FileDataset, folder: Path) -> bytes:
    """All outputs of a file except its pictures, which have no text chunks."""
    image_file = to_image_file(to_bytes(ds) + b"\0" * 8, folder)
    instance = deidentify(image_file, PSEUDONYMS, Profile())
    buffer = io.BytesIO()
    instance.write(buffer)
    assert pydicom.dcmread(io.BytesIO(buffer.getvalue())).pixel_array.size
    document = build_document(instance, rows=128, columns=128, key_id="x")
    return buffer.getvalue() + document.to_json() + instance.path.instance.encode()


def test_no_marker_of_the_basic_profile_is_left(tmp_path: Path) -> None:
    """No marker in an attribute of table E.1-1, top-level, nested or private, is in the outputs."""
    planter = Planter()
    ds = planted_dataset(planter, table_tags())
    assert len(planter.planted) > 4000
    assert [] == markers_left(planter, _outputs(ds, tmp_path))


def test_no_marker_in_text_outside_the_table_is_left(tmp_path: Path) -> None:
    """No marker in a text attribute outside the table is in the outputs."""
    planter = Planter()
    ds = planted_dataset(planter, other_text_tags())
    assert len(planter.planted) > 4000
    assert [] == markers_left(planter, _outputs(ds, tmp_path))


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
    """A name that is also in a description is removed in all of its encodings."""
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


def test_a_sequence_in_an_unknown_element_is_cleaned_or_removed(tmp_path: Path) -> None:
    """No name in a sequence in an element of VR UN is in the outputs."""
    planter = Planter()
    inner = b"\x10\x00\x10\x00" + (10).to_bytes(4, "little") + b"ZM99999Q^A"
    item = b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner
    ds = make_dataset()
    for tag in (0x00400275, 0x00081140, 0x00091001, 0x52009229):
        ds[tag] = RawDataElement(Tag(tag), "UN", len(item), item, 0, False, True)
    planter.planted["ZM99999Q"] = "hidden"
    assert [] == markers_left(planter, _outputs(ds, tmp_path))
