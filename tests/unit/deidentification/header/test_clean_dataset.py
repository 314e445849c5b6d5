"""What may leave raw of a data set, and in which form."""

from datetime import date

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import imaging  # noqa: F401 pydicom's warnings are silenced as in production
from deidentification.header.clean_dataset import MAX_DEPTH, CleanDataset
from deidentification.header.value_rules import ValueRules, age_years, parse_date
from deidentification.identity import identity_of
from deidentification.profile import Profile
from tests.support.factories import PSEUDONYMS, make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def _allowed(ds: Dataset | None = None, profile: Profile | None = None, **elements: object) -> Dataset:
    """The clean data set, without the attributes that are left empty."""
    original = make_dataset(**elements) if ds is None else ds
    kept = _cleaner(original, profile or Profile()).clean(original)
    for element in list(kept):
        if element.is_empty and element.VR != "SQ":
            del kept[element.tag]
    return kept


def _cleaner(ds: Dataset, profile: Profile) -> CleanDataset:
    keeps_times = ds.get("Modality") in {"PT", "NM"}
    rules = ValueRules(PSEUDONYMS, patient="P1", identity=identity_of(ds), keeps_times=keeps_times)
    return CleanDataset(profile, rules, is_enhanced=False)


@pytest.mark.parametrize(
    "keyword",
    """PatientName PatientID PatientBirthDate PatientAddress OtherPatientNames AccessionNumber StudyID
    InstitutionName InstitutionAddress ReferringPhysicianName OperatorsName PerformingPhysicianName
    StationName StudyDescription SeriesDescription ImageComments ProtocolName PatientComments
    DeviceSerialNumber DerivationDescription AdditionalPatientHistory RequestedProcedureDescription
    SoftwareVersions TextComments PatientMotherBirthName EthnicGroup Occupation""".split(),
)
def test_identifying_and_free_text_elements_are_gone(keyword: str) -> None:
    """Names, ids, places and free text have no place in the list, whatever they hold."""
    value = "19500101" if keyword == "PatientBirthDate" else "Zweifelhuber"
    assert keyword not in _allowed(**{keyword: value})


def test_times_are_gone() -> None:
    """Times of day are left behind; of a date and time the shifted date stays."""
    times = ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")
    ds = _allowed(**dict.fromkeys(times, "101500"), AcquisitionDateTime="20040119101500+0100")
    assert [] == [keyword for keyword in times if keyword in ds]
    assert f"{PSEUDONYMS.shifted(date(2004, 1, 19), 'P1'):%Y%m%d}" == ds.AcquisitionDateTime


def test_private_elements_and_overlays_are_gone() -> None:
    """Private blocks, overlays, curves and unknown elements are left behind."""
    ds = make_dataset(name="MR_small.dcm")
    ds.private_block(0x0099, "MARKER", create=True).add_new(0x01, "DS", "1")
    for tag in (0x60003000, 0x60000022, 0x50003000, 0x00180001, 0x00090011):
        ds.add(DataElement(tag, "UN", b"12"))
    kept = _allowed(ds)
    assert [] == [element for element in kept if element.tag.is_private or element.tag.group >= 0x5000]
    assert "" not in {element.keyword for element in kept}


def test_geometry_and_acquisition_are_kept() -> None:
    """What describes the picture and how it was taken stays as it is."""
    ds, kept = make_dataset(), _allowed()
    for keyword in """Rows Columns BitsStored PixelSpacing SliceThickness ImagePositionPatient KVP Modality
        ImageOrientationPatient RescaleSlope RescaleIntercept PhotometricInterpretation ImageType""".split():
        assert ds[keyword].value == kept[keyword].value, keyword
    assert ds.Manufacturer == kept.Manufacturer


def test_uids_are_replaced_and_classes_stay() -> None:
    """Instance UIDs become pseudonyms; the SOP class is DICOM's own."""
    ds, kept = make_dataset(), _allowed()
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert PSEUDONYMS.uid(ds[keyword].value) == kept[keyword].value
    assert ds.SOPClassUID == kept.SOPClassUID


def test_dates_are_shifted() -> None:
    """Dates move by the patient's own number of days."""
    kept = _allowed(StudyDate="20040119", ContentDate="20040121")
    shifted = PSEUDONYMS.shifted(date(2004, 1, 19), "P1")
    assert f"{shifted:%Y%m%d}" == kept.StudyDate
    assert 2 == (parse_date(kept.ContentDate) - shifted).days


@pytest.mark.parametrize(
    "value", ["2004", "200401", "20041301", "20040119-20040121", "Marker", "2004.01.19", ""]
)
def test_dates_of_another_form_are_gone(value: str) -> None:
    """A date that is no whole date is left out."""
    assert "StudyDate" not in _allowed(StudyDate=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("000D", "000D"),
        ("045Y", "045Y"),
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("101Y", "090Y"),
        ("999M", "999M"),
        ("999W", "999W"),
        (" 045Y", "045Y"),
    ],
)
def test_ages_over_89_are_one(value: str, expected: str) -> None:
    """Everyone over 89 is 90; younger ages stay as they are."""
    assert expected == _allowed(PatientAge=value).PatientAge


@pytest.mark.parametrize("value", ["45", "45Y", "Marker", "0450", "-45Y", "045y"])
def test_ages_of_another_form_are_gone(value: str) -> None:
    """An age that is no AS value is left out."""
    assert "PatientAge" not in _allowed(PatientAge=value)


@pytest.mark.parametrize(
    ("text", "expected"), [("045Y", 45.0), ("006M", 0.5), ("091Y", 90.0), ("089Y", 89.0), ("x", None)]
)
def test_age_in_years(text: str, expected: float | None) -> None:
    """An AS value in years."""
    assert expected == age_years(text)


@pytest.mark.parametrize(
    "value", ["Doe Imaging", "Scanner of JANE", "doe", "Clinic ROOM-12345", "Hospital of Springfield"]
)
@pytest.mark.parametrize("keyword", ["Manufacturer", "ManufacturerModelName", "ConvolutionKernel"])
def test_names_inside_allowed_text_are_gone(keyword: str, value: str) -> None:
    """A manufacturer, model or kernel that holds a word of the patient's own elements is left out."""
    kept = _allowed(
        PatientName="Doe^Jane",
        PatientID="ROOM-12345",
        InstitutionName="Springfield",
        **{keyword: value},
    )
    assert keyword not in kept


@pytest.mark.parametrize("value", ["DOE", "JANE DOE", "marker", "see report 12", "A" * 17, "Größe", "A\nB"])
def test_coded_strings_of_another_form_are_gone(value: str) -> None:
    """A coded string is short, upper case and no word of the patient's."""
    assert "BodyPartExamined" not in _allowed(PatientName="Doe^Jane", BodyPartExamined=value)


def test_one_refused_value_of_several_refuses_all() -> None:
    """Options with a name among them are left out whole; of an image type each value has its place."""
    kept = _allowed(
        PatientName="Doe^Jane", ScanOptions=["FS", "DOE"], ImageType=["ORIGINAL", "PRIMARY", "DOE"]
    )
    assert "ScanOptions" not in kept
    assert ["ORIGINAL", "PRIMARY", "OTHER"] == kept.ImageType


def test_names_in_sequences_count_as_identifying() -> None:
    """Words of names are collected from nested items too."""
    item = Dataset()
    item.PatientName = "Nested^Name"
    ds = make_dataset(ReferencedPatientSequence=Sequence([item]), PatientName="Doe^Jane")
    assert {"NESTED", "NAME", "DOE", "JANE"} <= identity_of(ds).words


def test_names_in_other_alphabets_count_as_identifying() -> None:
    """Letters outside ASCII belong to words."""
    ds = make_dataset(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Łucja=山田^太郎")
    assert {"MÜLLER", "ŁUCJA"} <= identity_of(ds).words


def test_sequences_hold_allowed_elements_alone() -> None:
    """Every kept sequence is entered by the same rules; those of the table go."""
    item = Dataset()
    item.PixelSpacing, item.PatientName, item.SliceThickness = [1, 2], "Doe^Jane", "2.5"
    group = Dataset()
    group.PixelMeasuresSequence = Sequence([item])
    kept = _allowed(
        SharedFunctionalGroupsSequence=Sequence([group]), OtherPatientIDsSequence=Sequence([item])
    )
    assert "OtherPatientIDsSequence" not in kept
    (shared,) = kept.SharedFunctionalGroupsSequence
    (measures,) = shared.PixelMeasuresSequence
    assert [1, 2] == [float(value) for value in measures.PixelSpacing]
    assert not measures.get("PatientName")


def test_depth_is_limited() -> None:
    """Sequences nested deeper than the limit are cut off."""
    ds = Dataset()
    ds.KVP = "120"
    for _ in range(MAX_DEPTH + 5):
        outer = Dataset()
        outer.SharedFunctionalGroupsSequence = Sequence([ds])
        ds = outer
    kept, depth = _allowed(ds), 0
    while "SharedFunctionalGroupsSequence" in kept:
        (kept,), depth = kept.SharedFunctionalGroupsSequence, depth + 1
    assert MAX_DEPTH == depth


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_gone(value: float) -> None:
    """A number that isn't finite is left out."""
    ds = make_dataset()
    ds.add_new("TableHeight", "FD", value)
    assert "TableHeight" not in _allowed(ds)


def test_text_under_a_number_s_name_is_gone() -> None:
    """A value that is no number is left out, whatever the element's name and VR say."""
    ds = make_dataset()
    ds.add(DataElement(0x00180060, "LO", "Doe 120 kV"))
    assert "KVP" not in _allowed(ds)


def test_sequence_s_name_with_another_vr_is_gone() -> None:
    """Text under the name of an allowed sequence is left behind."""
    ds = make_dataset()
    ds.add(DataElement(0x52009229, "LO", "Doe^Jane"))
    assert "SharedFunctionalGroupsSequence" not in _allowed(ds)


def test_original_is_unchanged() -> None:
    """The data set given is not touched."""
    ds = make_dataset()
    before = ds.to_json()
    _allowed(ds)
    assert before == ds.to_json()


def test_what_researchers_need_is_kept() -> None:
    """Geometry, pixel description, acquisition, region, side, view and standard codes stay as they are."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "39607008", "SCT", "Lung"
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    reference.ReferencedSOPInstanceUID = "1.2.3.4"
    elements: dict[str, object] = {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "BodyPartExamined": "CHEST",
        "Laterality": "L",
        "ViewPosition": "PA",
        "PatientPosition": "HFS",
        "PatientOrientation": ["L", "P"],
        "PatientSex": "F",
        "PatientAge": "045Y",
        "PatientSize": "1.7",
        "PatientWeight": "70",
        "KVP": "120",
        "ExposureTime": "500",
        "ConvolutionKernel": "B30f",
        "RepetitionTime": "2000",
        "EchoTime": "30",
        "FlipAngle": "90",
        "MagneticFieldStrength": "1.5",
        "ScanningSequence": ["SE", "IR"],
        "ImagedNucleus": "1H",
        "SliceThickness": "5",
        "PixelSpacing": ["0.5", "0.5"],
        "ImagePositionPatient": ["-10", "0", "3.5"],
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "InstanceNumber": "7",
        "SeriesNumber": "2",
        "RescaleType": "HU",
        "PresentationIntentType": "FOR PRESENTATION",
        "Manufacturer": "GE MEDICAL SYSTEMS",
        "ManufacturerModelName": "LightSpeed 16",
        "SeriesDescription": "T1 sag head",
        "StudyDescription": "CT Thorax",
    }
    ds = make_dataset(**elements)
    ds.AnatomicRegionSequence = Sequence([code])
    ds.ReferencedImageSequence = Sequence([reference])
    kept = _allowed(ds)
    different = [keyword for keyword in elements if ds[keyword].value != kept.get(keyword)]
    assert [] == different
    (region,) = kept.AnatomicRegionSequence
    assert ("39607008", "SCT", "Lung") == (
        region.CodeValue,
        region.CodingSchemeDesignator,
        region.CodeMeaning,
    )
    assert PSEUDONYMS.uid("1.2.3.4") == kept.ReferencedImageSequence[0].ReferencedSOPInstanceUID


def test_descriptions_keep_the_words_of_radiology() -> None:
    """Of a description the unknown words go, and all of it if one is the patient's."""
    kept = _allowed(StudyDescription="CT Thorax for Zweifelhuber 12.03.1965", PatientName="Doe^Jane")
    assert "CT Thorax for" == kept.StudyDescription
    assert "StudyDescription" not in _allowed(StudyDescription="CT head Doe", PatientName="Doe^Jane")


def test_times_stay_where_a_tracer_decays() -> None:
    """Of PET and nuclear medicine times stay, for activities are reckoned from them."""
    times = {"SeriesTime": "101500", "AcquisitionTime": "101501.5"}
    assert times == {keyword: _allowed(Modality="PT", **times).get(keyword) for keyword in times}


def test_private_elements_known_to_be_safe_stay() -> None:
    """A b-value stays with its creator; text in its place, or under another creator, does not."""
    for creator, value, is_kept in (
        ("SIEMENS MR HEADER", "1000", True),
        ("SIEMENS MR HEADER", "Doe", False),
        ("SOMEONE ELSE", "1000", False),
    ):
        ds = make_dataset(name="MR_small.dcm")
        vr = "IS" if value.isdigit() else "LO"
        ds.private_block(0x0019, creator, create=True).add_new(0x0C, vr, value)
        private = [element for element in _allowed(ds) if element.tag.is_private]
        assert (2 if is_kept else 0) == len(private)
        assert [] == [
            element for element in _allowed(ds, Profile(retain_safe_private=False)) if element.tag.is_private
        ]


@pytest.mark.parametrize(
    ("option", "keyword", "value"),
    [
        ("retain_longitudinal_modified", "StudyDate", "20040119"),
        ("retain_patient_characteristics", "PatientAge", "045Y"),
        ("clean_descriptors", "StudyDescription", "CT Thorax"),
    ],
)
def test_options_can_be_switched_off(option: str, keyword: str, value: str) -> None:
    """Without its option an attribute of the table gets the basic profile's action."""
    assert keyword in _allowed(**{keyword: value})
    assert keyword not in _allowed(profile=Profile(**{option: False}), **{keyword: value})


def test_code_of_another_scheme_is_gone() -> None:
    """A code that is no standard's tells nothing but what someone wrote."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "ROOM7", "99HOSPITAL", "Ward 7"
    assert "AnatomicRegionSequence" not in _allowed(AnatomicRegionSequence=Sequence([code]))


def test_what_was_done_is_counted() -> None:
    """For each keyword the tally says what was done with it."""
    ds = make_dataset(PatientAge="095Y", StudyDate="20040119")
    cleaner = _cleaner(ds, Profile())
    cleaner.clean(ds)
    for expected in (
        ("PatientName", "emptied"),
        ("StudyDate", "shifted"),
        ("SOPInstanceUID", "replaced"),
        ("PatientAge", "cleaned"),
        ("Rows", "kept"),
        ("private", "removed"),
    ):
        assert cleaner.tally[expected], expected
