"""The burned-in text gate."""

import pytest
from pydicom.dataset import Dataset

from common.errors import TextBox
from deidentification.pixels.burned_in_gate import (
    NEXT_STEP,
    NEXT_STEP_AFTER_READING,
    BurnedInDecision,
    burned_in_decision,
    completed,
    with_found_text_blanked,
)
from deidentification.pixels.device_rules import DeviceRule
from deidentification.pixels.releases import NOT_RELEASED, Releases
from deidentification.pixels.text_search.search import Finding, Scope, SearchResult
from deidentification.profile import Profile
from imaging.frames.blanking import Blanking
from imaging.options import Rectangle
from tests.support.factories import make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

REGIONS = "OBXXXX1A.dcm"  # palette; two regions; columns 0 to 119 and rows 0 to 59 are outside both


READER = Profile(name="reader", version=1, suspected_text="read", identifying_text="blank")
CAREFUL = Profile()
RELEASED = Releases(1)


def decide(
    ds: Dataset,
    *rules: DeviceRule,
    profile: Profile = CAREFUL,
    is_gate_on: bool = True,
    releases: Releases = NOT_RELEASED,
) -> BurnedInDecision:
    """The gate's decision, by default of the careful profile and without blanking rules."""
    return burned_in_decision(ds, rules, profile=profile, is_gate_on=is_gate_on, releases=releases)


def test_plain_ct_passes() -> None:
    """A primary CT slice passes."""
    assert BurnedInDecision() == decide(make_dataset())
    assert Scope.ANY_TEXT is decide(make_dataset()).scope


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


def test_ultrasound_with_regions_is_blanked_and_read_if_the_profile_allows_it() -> None:
    """Everything outside the regions is blanked; the careful profile still asks a person."""
    decision = decide(make_dataset(name=REGIONS), profile=READER)
    assert (None, True) == (decision.cause, decision.is_suspected)
    assert decision.blanking is not None
    mask = decision.blanking.mask(600, 800)
    assert mask[:60].all()
    assert mask[:, :120].all()
    assert not mask[60:519, 120:].any()
    assert not mask[522:577, 176:744].any()
    assert mask[519:522].all()
    assert "blanked outside 2 ultrasound region(s)" == decision.blanking.description
    careful = decide(make_dataset(name=REGIONS))
    assert decision.blanking == careful.blanking
    assert "ultrasound" in str(careful.cause)


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
    for profile in (CAREFUL, READER):
        decision = decide(ds, profile=profile)
        assert "has no regions" in str(decision.cause)
        assert decision.blanking is None


def test_a_picture_that_cannot_be_written_blanked_is_held() -> None:
    """A picture of one bit per pixel, or one that no decoder turns into RGB, is held despite its regions."""
    for changes in ({"BitsAllocated": 1}, {"PhotometricInterpretation": "YBR_PARTIAL_422"}):
        decision = decide(make_dataset(name=REGIONS, **changes))
        assert decision.blanking is None
        assert decision.cause is not None


def test_released_ultrasound_is_still_blanked() -> None:
    """A released picture passes, and is still blanked outside its regions."""
    ds = make_dataset(name=REGIONS, BurnedInAnnotation="YES")
    decision = decide(ds, releases=RELEASED)
    assert (None, True, "by a person") == (decision.cause, decision.is_cleaned, decision.looked)
    assert decision.blanking is not None
    assert [Scope.IDENTITY, Scope.NOTHING] == [decide(ds, releases=Releases(n)).scope for n in (1, 2)]


def test_no_gate_blanks_nothing() -> None:
    """If the gate is off, pictures pass unchanged, and nobody looks at them."""
    expected = BurnedInDecision(scope=Scope.NOTHING)
    assert expected == decide(make_dataset(name=REGIONS), is_gate_on=False)
    assert "by a person" == decide(make_dataset(name=REGIONS), is_gate_on=False, releases=RELEASED).looked


def test_a_rule_for_the_device_has_precedence() -> None:
    """The rule's rectangles are blanked, and the picture passes, even with BurnedInAnnotation YES."""
    rule = DeviceRule("banner", " philips  medical systems", "cx50", 600, 800, (Rectangle(0, 0, 800, 40),))
    ds = make_dataset(name=REGIONS, BurnedInAnnotation="YES")
    for is_gate_on, scope in ((True, Scope.IDENTITY), (False, Scope.NOTHING)):
        decision = decide(ds, rule, is_gate_on=is_gate_on)
        looked = "by a rule for the device"
        blanking = Blanking("blanked by rule banner", rule.blank, is_outside=False)
        assert BurnedInDecision(blanking, scope=scope, looked=looked, is_cleaned=True) == decision
    nothing = DeviceRule("nothing", "Philips Medical Systems", "CX50", 600, 800, ())
    for bits in (8, 1):  # even one that could not be blanked
        decision = decide(make_dataset(name=REGIONS, BitsAllocated=bits), nothing)
        assert (None, None, True) == (decision.blanking, decision.cause, decision.is_cleaned)
    other = DeviceRule("other", "Philips Medical Systems", "CX50", 600, 801, ())
    assert decide(ds, other).cause is not None


def test_rectangles_of_a_person_are_blanked_too() -> None:
    """They are added to the blanking of regions and rules; one outside the picture is refused by name."""
    blank = (Rectangle(10, 20, 30, 40),)
    decision = decide(make_dataset(name=REGIONS), releases=Releases(1, blank))
    assert decision.blanking is not None
    assert decision.blanking.mask(600, 800)[20:60, 10:40].all()
    assert not decision.blanking.mask(600, 800)[300, 400]
    assert "blanked by a person" in decision.blanking.description
    plain = decide(make_dataset(), releases=Releases(1, blank))
    assert plain.blanking is not None
    assert 30 * 40 == plain.blanking.mask(128, 128).sum()
    beyond = decide(make_dataset(), releases=Releases(1, (Rectangle(100, 0, 29, 5),)))
    assert "100,0,29,5" in str(beyond.cause)
    assert "128 x 128" in str(beyond.cause)
    one_bit = decide(make_dataset(BitsAllocated=1), releases=Releases(1, blank))
    assert "can't be blanked" in str(one_bit.cause)


PATIENT_ID_READ = SearchResult(Finding.IDENTITY, keyword="PatientID")
BOX = TextBox(1, 10, 20, 30, 12, Finding.IDENTITY)


@pytest.mark.parametrize(
    ("decision", "found", "cause"),
    [
        (BurnedInDecision(), SearchResult(), None),
        (BurnedInDecision(), SearchResult(Finding.TEXT), "Text was read"),
        (BurnedInDecision(), SearchResult(Finding.IDENTITY, keyword="PatientName"), "A word of PatientName"),
        (BurnedInDecision(), SearchResult(Finding.UNREAD), "that can't be read"),
        (BurnedInDecision(), SearchResult(Finding.UNREAD, was_read=False), "no text reader is installed"),
        (BurnedInDecision(), SearchResult(was_read=False), None),
        (BurnedInDecision(is_suspected=True), SearchResult(), None),
        (BurnedInDecision(is_suspected=True), SearchResult(was_read=False), "no text reader is installed"),
        (BurnedInDecision(cause="held"), SearchResult(), "held"),
        (BurnedInDecision(scope=Scope.IDENTITY), SearchResult(Finding.TEXT), None),
        (
            BurnedInDecision(scope=Scope.IDENTITY),
            SearchResult(Finding.IDENTITY, keyword="PatientID"),
            "PatientID",
        ),
        (BurnedInDecision(scope=Scope.NOTHING), SearchResult(Finding.IDENTITY, keyword="PatientID"), None),
    ],
)
def test_what_the_search_found_completes_the_decision(
    decision: BurnedInDecision, found: SearchResult, cause: str | None
) -> None:
    """Text holds what would pass; after a person's decision only the patient's own words do."""
    after = completed(decision, found)
    assert (cause is None) == (after.cause is None)
    assert (cause or "") in (after.cause or "")


def test_who_looked_is_recorded_only_if_somebody_did() -> None:
    """The text search has looked if a reader was there; a suspected file counts as cleaned then."""
    assert "by the text search" == completed(BurnedInDecision(), SearchResult()).looked
    assert not completed(BurnedInDecision(), SearchResult(was_read=False)).looked
    assert not completed(BurnedInDecision(), SearchResult()).is_cleaned
    assert completed(BurnedInDecision(is_suspected=True), SearchResult()).is_cleaned
    released = BurnedInDecision(scope=Scope.IDENTITY, looked="by a person")
    assert "by a person" == completed(released, SearchResult()).looked
    found = SearchResult(Finding.IDENTITY, keyword="PatientName")
    assert NEXT_STEP_AFTER_READING == completed(released, found).next_step
    assert NEXT_STEP == completed(BurnedInDecision(), found).next_step


def test_found_words_are_blanked_with_a_margin() -> None:
    """A box is enlarged, but not beyond the picture's left and upper edge, and blanked only once."""
    after = with_found_text_blanked(
        BurnedInDecision(may_be_blanked=True), [BOX, TextBox(2, 2, 3, 9, 9, Finding.IDENTITY)]
    )
    assert after.blanking is not None
    assert (Rectangle(0, 12, 52, 28), Rectangle(0, 0, 20, 20)) == after.blanking.rectangles
    assert not after.may_be_blanked


def test_only_the_reader_profile_blanks_words() -> None:
    """Blanking is the profile's choice, and never used for what a class rule holds in any case."""
    assert not decide(make_dataset()).may_be_blanked
    assert decide(make_dataset(), profile=READER).may_be_blanked
    assert not decide(make_dataset(BurnedInAnnotation="YES"), profile=READER).may_be_blanked
    assert not decide(make_dataset(BitsAllocated=1), profile=READER).may_be_blanked
