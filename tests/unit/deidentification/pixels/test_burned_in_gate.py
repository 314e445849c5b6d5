"""The gate for burned-in text."""

import pytest
from pydicom.dataset import Dataset

from deidentification.pixels.burned_in_gate import NEXT_STEP, BurnedInDecision, burned_in_decision
from deidentification.pixels.device_rules import DeviceRule
from imaging.frames.blanking import Rectangle
from tests.support.factories import make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

REGIONS = "OBXXXX1A.dcm"  # palette, two regions, columns 0 to 119 and rows 0 to 59 outside both


def passed(ds: Dataset, **ways: bool) -> BurnedInDecision:
    """What the gate says, of no rules."""
    return burned_in_decision(ds, (), **{"holds": True, "is_released": False} | ways)


def test_plain_ct_passes() -> None:
    """A primary CT slice passes."""
    assert BurnedInDecision() == passed(make_dataset())


@pytest.mark.parametrize("value", ["YES", "yes", "Yes"])
def test_file_that_says_so_is_held(value: str) -> None:
    """BurnedInAnnotation YES is held, in any case."""
    assert "the file says so" in str(passed(make_dataset(BurnedInAnnotation=value)).cause)


@pytest.mark.parametrize("modality", ["US", "OT", "SC", "XC", "ES", "GM", "us"])
def test_modalities_that_carry_text_are_held(modality: str) -> None:
    """Ultrasound, photographs and captures are held even if nothing is said."""
    assert passed(make_dataset(Modality=modality)).cause is not None


def test_no_outweighs_no_rule() -> None:
    """BurnedInAnnotation NO does not let an ultrasound picture pass: it is rarely filled in by a person."""
    assert passed(make_dataset(Modality="US", BurnedInAnnotation="NO")).cause is not None


def test_secondary_capture_is_held() -> None:
    """Any of the Secondary Capture SOP classes is held."""
    for uid in ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"):
        assert "secondary capture" in str(passed(make_dataset(SOPClassUID=uid)).cause)


@pytest.mark.parametrize(
    "image_type",
    [
        ["DERIVED", "SECONDARY"],
        ["ORIGINAL", "PRIMARY", "SCREEN SAVE"],
        ["DERIVED", "PRIMARY", "DOSE_INFO"],
        ["DERIVED", "PRIMARY", "CAPTURE"],
    ],
)
def test_image_types_that_carry_text_are_held(image_type: list[str]) -> None:
    """Screen saves, dose reports and derived captures are held."""
    assert "ImageType" in str(passed(make_dataset(ImageType=image_type)).cause)


def test_first_value_of_image_type_says_nothing() -> None:
    """Only the values after the first are looked at."""
    assert BurnedInDecision() == passed(make_dataset(ImageType="SECONDARY"))


def test_missing_elements_pass() -> None:
    """A CT slice without an image type and without the annotation flag passes."""
    assert BurnedInDecision() == passed(make_dataset(ImageType=None, BurnedInAnnotation=None))


def test_cause_quotes_no_value_of_the_file() -> None:
    """The cause names the rule, never what else the element holds."""
    assert "DOE" not in str(passed(make_dataset(ImageType=["ORIGINAL", "PRIMARY", "SCREEN OF DOE"])).cause)
    assert "release" in NEXT_STEP


def test_ultrasound_with_regions_passes_blanked() -> None:
    """All outside the regions is to be made black, and nobody has to look."""
    decision = passed(make_dataset(name=REGIONS))
    assert (None, True) == (decision.cause, decision.is_cleaned)
    assert decision.blanking is not None
    mask = decision.blanking.mask(600, 800)
    assert mask[:60].all()
    assert mask[:, :120].all()
    assert not mask[60:519, 120:].any()
    assert not mask[522:577, 176:744].any()
    assert mask[519:522].all()
    assert "blanked outside 2 ultrasound region(s)" == decision.blanking.words


def test_ultrasound_that_says_it_has_text_is_held_all_the_same() -> None:
    """The text may be within a region."""
    assert "the file says so" in str(passed(make_dataset(name=REGIONS, BurnedInAnnotation="YES")).cause)


def region(**changes: int) -> Dataset:
    """A region of the picture's upper left quarter."""
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
        ({"RegionDataType": 0}, "known to hold no text"),
        ({"RegionSpatialFormat": 5}, "known to hold no text"),
        ({"RegionLocationMaxX1": 802}, "within the picture"),
        ({"RegionLocationMinX0": 500}, "within the picture"),
        ({"RegionLocationMaxX1": 800, "RegionLocationMaxY1": 600}, "cover the whole picture"),
        ({"RegionLocationMaxY1": None}, "has no place"),
    ],
)
def test_regions_that_prove_nothing_are_held(changes: dict, words: str) -> None:
    """Graphics, regions of another picture's size, and one that leaves nothing out do not let it pass."""
    ds = make_dataset(name=REGIONS, SequenceOfUltrasoundRegions=[region(**changes)])
    decision = passed(ds)
    assert words in str(decision.cause)
    assert decision.blanking is None


def test_regions_of_other_kinds_of_object_say_nothing() -> None:
    """A secondary capture of an ultrasound device is held whatever regions it has."""
    ds = make_dataset(name=REGIONS, SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    assert "secondary capture" in str(passed(ds).cause)


def test_a_picture_that_cannot_be_written_blanked_is_held() -> None:
    """One bit a pixel, or colours that no decoder turns into RGB: regions do not help it."""
    for changes in ({"BitsAllocated": 1}, {"PhotometricInterpretation": "YBR_PARTIAL_422"}):
        decision = passed(make_dataset(name=REGIONS, **changes))
        assert decision.blanking is None
        assert decision.cause is not None


def test_released_ultrasound_is_still_blanked() -> None:
    """A person's word lets it pass; what is outside the regions goes all the same."""
    decision = passed(make_dataset(name=REGIONS, BurnedInAnnotation="YES"), is_released=True)
    assert (None, True) == (decision.cause, decision.is_cleaned)
    assert decision.blanking is not None


def test_no_gate_blanks_nothing() -> None:
    """With the gate switched off pictures pass as they are."""
    assert BurnedInDecision(is_gated=False) == passed(make_dataset(name=REGIONS), holds=False)


def test_a_rule_for_the_device_stands_above_the_gate() -> None:
    """Its rectangles are blanked, and the picture passes, whatever it says of itself."""
    rule = DeviceRule("banner", " philips  medical systems", "cx50", 600, 800, (Rectangle(0, 0, 800, 40),))
    ds = make_dataset(name=REGIONS, BurnedInAnnotation="YES")
    for holds in (True, False):
        decision = burned_in_decision(ds, [rule], holds=holds, is_released=False)
        assert BurnedInDecision(rule.blanking, is_cleaned=True) == decision
    nothing = DeviceRule("nothing", "Philips Medical Systems", "CX50", 600, 800, ())
    for bits in (8, 1):  # even one that could not be blanked
        decision = burned_in_decision(
            make_dataset(name=REGIONS, BitsAllocated=bits), [nothing], holds=True, is_released=False
        )
        assert BurnedInDecision(None, is_cleaned=True) == decision
    other = DeviceRule("other", "Philips Medical Systems", "CX50", 600, 801, ())
    assert burned_in_decision(ds, [other], holds=True, is_released=False).cause is not None
