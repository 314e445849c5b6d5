"""Which attributes stay, and which are removed."""

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deidentification.profile import Profile
from tests.support.factories import PSEUDONYMS, make_dataset
from tests.unit.deidentification.header.cleaned import cleaned

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

RESEARCH_ELEMENTS: dict[str, object] = {
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


@pytest.mark.parametrize(
    "keyword",
    """PatientName PatientID PatientBirthDate PatientAddress OtherPatientNames AccessionNumber StudyID
    InstitutionName InstitutionAddress ReferringPhysicianName OperatorsName PerformingPhysicianName
    StationName StudyDescription SeriesDescription ImageComments ProtocolName PatientComments
    DeviceSerialNumber DerivationDescription AdditionalPatientHistory RequestedProcedureDescription
    SoftwareVersions TextComments PatientMotherBirthName EthnicGroup Occupation""".split(),
)
def test_identifying_and_free_text_elements_are_removed(keyword: str) -> None:
    """Names, ids, places and free text are removed, whatever their values."""
    value = "19500101" if keyword == "PatientBirthDate" else "Zweifelhuber"
    assert keyword not in cleaned(**{keyword: value})


def test_private_elements_and_overlays_are_removed() -> None:
    """Private blocks, overlays, curves and unknown elements are removed."""
    ds = make_dataset(name="MR_small.dcm")
    ds.private_block(0x0099, "MARKER", create=True).add_new(0x01, "DS", "1")
    for tag in (0x60003000, 0x60000022, 0x50003000, 0x00180001, 0x00090011):
        ds.add(DataElement(tag, "UN", b"12"))
    kept = cleaned(ds)
    assert [] == [element for element in kept if element.tag.is_private or element.tag.group >= 0x5000]
    assert "" not in {element.keyword for element in kept}


def test_private_elements_known_to_be_safe_stay() -> None:
    """A b-value stays with its creator; text in its element, or a number under another creator, does not."""
    for creator, value, is_kept in (
        ("SIEMENS MR HEADER", "1000", True),
        ("SIEMENS MR HEADER", "Doe", False),
        ("SOMEONE ELSE", "1000", False),
    ):
        ds = make_dataset(name="MR_small.dcm")
        vr = "IS" if value.isdigit() else "LO"
        ds.private_block(0x0019, creator, create=True).add_new(0x0C, vr, value)
        private = [element for element in cleaned(ds) if element.tag.is_private]
        assert (2 if is_kept else 0) == len(private)
        assert [] == [
            element for element in cleaned(ds, Profile(retain_safe_private=False)) if element.tag.is_private
        ]


def test_uids_are_replaced_and_classes_stay() -> None:
    """Instance UIDs become pseudonyms; the SOP class UID, which DICOM defines, stays."""
    ds, kept = make_dataset(), cleaned()
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert PSEUDONYMS.uid(ds[keyword].value) == kept[keyword].value
    assert ds.SOPClassUID == kept.SOPClassUID


def test_geometry_and_acquisition_are_kept() -> None:
    """Elements that describe the picture and the acquisition stay unchanged."""
    ds, kept = make_dataset(), cleaned()
    for keyword in """Rows Columns BitsStored PixelSpacing SliceThickness ImagePositionPatient KVP Modality
        ImageOrientationPatient RescaleSlope RescaleIntercept PhotometricInterpretation ImageType""".split():
        assert ds[keyword].value == kept[keyword].value, keyword
    assert ds.Manufacturer == kept.Manufacturer


def test_elements_for_research_are_kept() -> None:
    """Geometry, pixel description, acquisition, region, side, view and standard codes stay unchanged."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "39607008", "SCT", "Lung"
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    reference.ReferencedSOPInstanceUID = "1.2.3.4"
    ds = make_dataset(**RESEARCH_ELEMENTS)
    ds.AnatomicRegionSequence = Sequence([code])
    ds.ReferencedImageSequence = Sequence([reference])
    kept = cleaned(ds)
    different = [keyword for keyword in RESEARCH_ELEMENTS if ds[keyword].value != kept.get(keyword)]
    assert [] == different
    (region,) = kept.AnatomicRegionSequence
    assert ("39607008", "SCT", "Lung") == (
        region.CodeValue,
        region.CodingSchemeDesignator,
        region.CodeMeaning,
    )
    assert PSEUDONYMS.uid("1.2.3.4") == kept.ReferencedImageSequence[0].ReferencedSOPInstanceUID


@pytest.mark.parametrize(
    ("option", "keyword", "value"),
    [
        ("retain_longitudinal_modified", "StudyDate", "20040119"),
        ("retain_patient_characteristics", "PatientAge", "045Y"),
        ("clean_descriptors", "StudyDescription", "CT Thorax"),
    ],
)
def test_options_can_be_switched_off(option: str, keyword: str, value: str) -> None:
    """If its option is off, an attribute of the table gets the basic profile's action."""
    assert keyword in cleaned(**{keyword: value})
    assert keyword not in cleaned(profile=Profile(**{option: False}), **{keyword: value})
