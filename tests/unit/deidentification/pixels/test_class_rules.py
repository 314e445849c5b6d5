"""Class rules: what a file says it is decides who must look at its pictures."""

import tomllib
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, UID_dictionary

from deidentification.pixels.class_rules import RULES, UNKNOWN_CLASS, Action, class_rule_of
from tests.support.factories import make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

CT = "1.2.840.10008.5.1.4.1.1.2"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def file(**elements: Any) -> Dataset:
    """A file of the given attributes; by default an original CT slice."""
    ds = Dataset()
    elements = {"SOPClassUID": CT, "Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]} | elements
    for keyword, value in elements.items():
        if value is not None:
            setattr(ds, keyword, value)
    return ds


def action(**elements: Any) -> Action:
    """The action for such a file."""
    return class_rule_of(file(**elements)).action


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "CT"),
        ("1.2.840.10008.5.1.4.1.1.2.1", "CT"),
        ("1.2.840.10008.5.1.4.1.1.4", "MR"),
        ("1.2.840.10008.5.1.4.1.1.4.1", "MR"),
        ("1.2.840.10008.5.1.4.1.1.128", "PT"),
        ("1.2.840.10008.5.1.4.1.1.20", "NM"),
        ("1.2.840.10008.5.1.4.1.1.1", "CR"),
        ("1.2.840.10008.5.1.4.1.1.1.1", "DX"),
        ("1.2.840.10008.5.1.4.1.1.1.2", "MG"),
        ("1.2.840.10008.5.1.4.1.1.13.1.3", "MG"),
        ("1.2.840.10008.5.1.4.1.1.12.1", "XA"),
        ("1.2.840.10008.5.1.4.1.1.12.2", "RF"),
        ("1.2.840.10008.5.1.4.1.1.481.1", "RTIMAGE"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "RTDOSE"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG"),
        ("1.2.840.10008.5.1.4.1.1.66.7", "SEG"),
    ],
)
def test_originals_of_modalities_without_text_pass(sop_class: str, modality: str) -> None:
    """They are on the allow-list; the text search still looks at them."""
    assert Action.PASS is action(SOPClassUID=sop_class, Modality=modality)


@pytest.mark.parametrize(
    "elements",
    [
        {"BurnedInAnnotation": "YES"},
        {"BurnedInAnnotation": "yes"},
        {"BurnedInAnnotation": "Y"},
        {"BurnedInAnnotation": "JA"},
        {"RecognizableVisualFeatures": "YES"},
        {"RecognizableVisualFeatures": "UNKNOWN"},
        {"SpecimenLabelInImage": "YES"},
        {"SOPClassUID": SLIDE, "Modality": "SM", "ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]},
        {"SOPClassUID": SLIDE, "Modality": "SM", "ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"]},
        {"ConversionType": "DF"},
        {"SOPClassUID": SECONDARY_CAPTURE, "Modality": "CR", "ConversionType": "DF"},
        {"SOPClassUID": "1.2.840.10008.5.1.1.29"},
        {"SOPClassUID": "1.2.840.10008.5.1.1.30"},
        {"Modality": "HC"},
        {"Modality": "BMD"},
        {"Modality": None},
        {"Modality": ""},
        {"ImageType": ["ORIGINAL", "PRIMARY", "SCREEN SAVE"]},
        {"ImageType": ["DERIVED", "PRIMARY", "DOSE_INFO"]},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN CAPTURE"]},
        {"SeriesDescription": "Dose Report"},
        {"SeriesDescription": "SCREEN  SAVES"},
        {"ProtocolName": "Patient Protocol"},
        {"ImageComments": "ScreenShot of workstation"},
        {"DerivationDescription": "screen capture"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4", "Modality": "XC"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.5.1", "Modality": "OP"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.1", "Modality": "ES"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.7", "Modality": "DMS"},
        {"Modality": "ES"},
        {"Modality": "DMS"},
        {"Modality": "US"},
        {"Modality": "IVUS"},
        {"SOPClassUID": ULTRASOUND, "Modality": "US"},
        {"SOPClassUID": ULTRASOUND, "Modality": "US", "SequenceOfUltrasoundRegions": []},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.2", "Modality": "US"},
        {"SOPClassUID": "1.2.3.4"},
        {"SOPClassUID": None},
        {"Modality": "MR"},
    ],
)
def test_a_person_must_look_in_any_case(elements: dict[str, Any]) -> None:
    """What declares text, shows labels, screens, films or faces, or what no rule knows, is held."""
    assert Action.HOLD is action(**elements)


@pytest.mark.parametrize("modality", ["US", "IVUS", "XA", "CT", "us"])
def test_the_sop_class_of_ultrasound_counts_and_not_the_modality(modality: str) -> None:
    """An ultrasound picture stays one whatever modality it claims; with regions the search may look."""
    ds = file(SOPClassUID=ULTRASOUND, Modality=modality)
    assert "ultrasound" in class_rule_of(ds).reason
    assert Action.HOLD is class_rule_of(ds).action
    ds.SequenceOfUltrasoundRegions = [Dataset()]
    assert Action.LOOK is class_rule_of(ds).action


@pytest.mark.parametrize(
    "elements",
    [
        {"SOPClassUID": SECONDARY_CAPTURE, "Modality": "CT"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4", "Modality": "OT"},
        {"Modality": "OT"},
        {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]},
        {"SOPClassUID": SLIDE, "Modality": "SM", "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]},
    ],
)
def test_captures_and_derived_pictures_may_be_searched(elements: dict[str, Any]) -> None:
    """A person looks, or the search where the profile allows it."""
    assert Action.LOOK is action(**elements)


def test_real_files() -> None:
    """Real files are recognized; only attributes that the rules name are read."""
    assert Action.PASS is class_rule_of(make_dataset()).action
    assert UNKNOWN_CLASS is class_rule_of(make_dataset(SOPClassUID="1.2.3"))
    assert "capture" in class_rule_of(make_dataset(SOPClassUID=SECONDARY_CAPTURE)).reason
    assert Action.PASS is action(BurnedInAnnotation="NO", RecognizableVisualFeatures="NO")
    assert Action.PASS is action(SeriesDescription="SnapShot Pulse 0.6")


def test_the_table_names_existing_classes_and_says_why() -> None:
    """Every keyword of a SOP class is one of the standard, and every rule has a reason."""
    table = tomllib.loads(RULES.read_text("utf-8"))
    keywords = {entry[4] for entry in UID_dictionary.values()}
    named = [name for rule in table["rule"] for name in rule.get("sop_class", ())]
    assert [] == [name for name in named if name not in keywords and not UID(name).is_valid]
    assert len(named) > 40
    assert all(rule["reason"] for rule in table["rule"])
    assert {str(each) for each in Action} == {rule["action"] for rule in table["rule"]}
