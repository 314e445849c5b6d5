"""The burned-in text gate."""

import pytest
from pydicom.dataset import Dataset

from deidentification.pixels.burned_in_gate import NEXT_STEP, BurnedInDecision, burned_in_decision
from deidentification.pixels.device_rules import DeviceRule
from imaging.frames.blanking import Rectangle
from tests.support.factories import make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

REGIONS = "OBXXXX1A.dcm"  # palette; two regions; columns 0 to 119 and rows 0 to 59 are outside both


def decide(ds: Dataset, **options: bool) -> BurnedInDecision:
    """The gate's decision without blanking rules."""
    return burned_in_decision(ds, (), **{"hold_burned_in_text": True, "is_released": False} | options)


def test_plain_ct_passes() -> None:
    """A primary CT slice passes."""
    assert BurnedInDecision() == decide(make_dataset())


@pytest.mark.parametrize("value", ["YES", "yes", "Yes"])
def test_file_that_declares_burned_in_text_is_held(value: str) -> None:
    """BurnedInAnnotation YES is held, in upper or lower case."""
    assert "the file says so" in str(decide(make_dataset(BurnedInAnnotation=value)).cause)


@pytest.mark.parametrize("modality", ["US", "OT", "SC", "XC", "ES", "GM", "us"])
def test_modalities_that_often_have_text_are_held(modality: str) -> None:
    """Ultrasound, photographs and captures are held even without BurnedInAnnotation."""
    assert decide(make_dataset(Modality=modality)).cause is not None


def test_burned_in_annotation_no_does_not_replace_the_modality_rule() -> None:
    """An ultrasound picture with BurnedInAnnotation NO is held: a person rarely filled it in."""
    assert decide(make_dataset(Modality="US", BurnedInAnnotation="NO")).cause is not None


def test_secondary_capture_is_held() -> None:
    """Every Secondary Capture SOP class is held."""
    for uid in ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"):
        assert "secondary capture" in str(decide(make_dataset(SOPClassUID=uid)).cause)


@pytest.mark.parametrize(
    "image_type",
    [
        ["DERIVED", "SECONDARY"],
        ["ORIGINAL", "PRIMARY", "SCREEN SAVE"],
        ["DERIVED", "PRIMARY", "DOSE_INFO"],
        ["DERIVED", "PRIMARY", "CAPTURE"],
    ],
)
def test_image_types_that_often_have_text_are_held(image_type: list[str]) -> None:
    """Screen saves, dose reports and derived captures are held."""
    assert "ImageType" in str(decide(make_dataset(ImageType=image_type)).cause)


def test_first_value_of_image_type_is_ignored() -> None:
    """Only the values after the first are checked."""
    assert BurnedInDecision() == decide(make_dataset(ImageType="SECONDARY"))


def test_missing_elements_pass() -> None:
    """A CT slice without ImageType and BurnedInAnnotation passes."""
    assert BurnedInDecision() == decide(make_dataset(ImageType=None, BurnedInAnnotation=None))


def test_cause_quotes_no_value_of_the_file() -> None:
    """The cause names the rule, never the rest of the value."""
    assert "DOE" not in str(decide(make_dataset(ImageType=["ORIGINAL", "PRIMARY", "SCREEN OF DOE"])).cause)
    assert "release" in NEXT_STEP


def test_ultrasound_with_regions_passes_blanked() -> None:
    """Everything outside the regions is blanked, and the file is not held."""
    decision = decide(make_dataset(name=REGIONS))
    assert (None, True) == (decision.cause, decision.is_cleaned)
    assert decision.blanking is not None
    mask = decision.blanking.mask(600, 800)
    assert mask[:60].all()
    assert mask[:, :120].all()
    assert not mask[60:519, 120:].any()
    assert not mask[522:577, 176:744].any()
    assert mask[519:522].all()
    assert "blanked outside 2 ultrasound region(s)" == decision.blanking.description


def test_ultrasound_that_declares_burned_in_text_is_held() -> None:
    """An ultrasound picture with BurnedInAnnotation YES is held: the text may be inside a region."""
    assert "the file says so" in str(decide(make_dataset(name=REGIONS, BurnedInAnnotation="YES")).cause)


def region(**changes: int) -> Dataset:
    """A region that covers the picture's upper left quarter."""
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 0, 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 399, 299
    item.RegionDataType, item.RegionSpatialFormat = 1, 1
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RegionDataType": 0}, "may show text"),
        ({"RegionSpatialFormat": 5}, "may show text"),
        ({"RegionLocationMaxX1": 802}, "within the picture"),
        ({"RegionLocationMinX0": 500}, "within the picture"),
        ({"RegionLocationMaxX1": 800, "RegionLocationMaxY1": 600}, "cover the whole picture"),
        ({"RegionLocationMaxY1": None}, "has no coordinates"),
    ],
)
def test_pictures_with_unusable_regions_are_held(changes: dict, words: str) -> None:
    """Graphics, regions outside the picture, and one that covers all of it do not let the picture pass."""
    ds = make_dataset(name=REGIONS, SequenceOfUltrasoundRegions=[region(**changes)])
    decision = decide(ds)
    assert words in str(decision.cause)
    assert decision.blanking is None


def test_regions_of_other_sop_classes_are_ignored() -> None:
    """A secondary capture of an ultrasound device is held whatever its regions are."""
    ds = make_dataset(name=REGIONS, SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    assert "secondary capture" in str(decide(ds).cause)


def test_a_picture_that_cannot_be_written_blanked_is_held() -> None:
    """A picture of one bit per pixel, or one that no decoder turns into RGB, is held despite its regions."""
    for changes in ({"BitsAllocated": 1}, {"PhotometricInterpretation": "YBR_PARTIAL_422"}):
        decision = decide(make_dataset(name=REGIONS, **changes))
        assert decision.blanking is None
        assert decision.cause is not None


def test_released_ultrasound_is_still_blanked() -> None:
    """A released picture passes, and is still blanked outside its regions."""
    decision = decide(make_dataset(name=REGIONS, BurnedInAnnotation="YES"), is_released=True)
    assert (None, True) == (decision.cause, decision.is_cleaned)
    assert decision.blanking is not None


def test_no_gate_blanks_nothing() -> None:
    """If the gate is off, pictures pass unchanged."""
    assert BurnedInDecision(is_gated=False) == decide(make_dataset(name=REGIONS), hold_burned_in_text=False)


def test_a_rule_for_the_device_has_precedence() -> None:
    """The rule's rectangles are blanked, and the picture passes, even with BurnedInAnnotation YES."""
    rule = DeviceRule("banner", " philips  medical systems", "cx50", 600, 800, (Rectangle(0, 0, 800, 40),))
    ds = make_dataset(name=REGIONS, BurnedInAnnotation="YES")
    for hold in (True, False):
        decision = burned_in_decision(ds, [rule], hold_burned_in_text=hold, is_released=False)
        assert BurnedInDecision(rule.blanking, is_cleaned=True) == decision
    nothing = DeviceRule("nothing", "Philips Medical Systems", "CX50", 600, 800, ())
    for bits in (8, 1):  # even one that could not be blanked
        decision = burned_in_decision(
            make_dataset(name=REGIONS, BitsAllocated=bits),
            [nothing],
            hold_burned_in_text=True,
            is_released=False,
        )
        assert BurnedInDecision(None, is_cleaned=True) == decision
    other = DeviceRule("other", "Philips Medical Systems", "CX50", 600, 801, ())
    assert burned_in_decision(ds, [other], hold_burned_in_text=True, is_released=False).cause is not None
