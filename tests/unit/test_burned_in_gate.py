"""The gate for burned-in text."""

import pytest

from common.deidentification.burned_in_gate import check_burned_in_text
from common.errors import HoldError
from tests.unit.factories import make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_plain_ct_passes() -> None:
    """A primary CT slice passes."""
    check_burned_in_text(make_dataset())


@pytest.mark.parametrize("value", ["YES", "yes", "Yes"])
def test_file_that_says_so_is_held(value: str) -> None:
    """BurnedInAnnotation YES is held, in any case."""
    with pytest.raises(HoldError, match="the file says so"):
        check_burned_in_text(make_dataset(BurnedInAnnotation=value))


@pytest.mark.parametrize("modality", ["US", "OT", "SC", "XC", "ES", "GM", "us"])
def test_modalities_that_carry_text_are_held(modality: str) -> None:
    """Ultrasound, photographs and captures are held even if nothing is said."""
    with pytest.raises(HoldError):
        check_burned_in_text(make_dataset(Modality=modality))


def test_no_outweighs_no_rule() -> None:
    """BurnedInAnnotation NO does not let an ultrasound picture pass: it is rarely filled in by a person."""
    with pytest.raises(HoldError):
        check_burned_in_text(make_dataset(Modality="US", BurnedInAnnotation="NO"))


def test_secondary_capture_is_held() -> None:
    """Any of the Secondary Capture SOP classes is held."""
    for uid in ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"):
        with pytest.raises(HoldError, match="secondary capture"):
            check_burned_in_text(make_dataset(SOPClassUID=uid))


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
    with pytest.raises(HoldError, match="ImageType"):
        check_burned_in_text(make_dataset(ImageType=image_type))


def test_first_value_of_image_type_says_nothing() -> None:
    """Only the values after the first are looked at."""
    check_burned_in_text(make_dataset(ImageType="SECONDARY"))


def test_missing_elements_pass() -> None:
    """A CT slice without an image type and without the annotation flag passes."""
    check_burned_in_text(make_dataset(ImageType=None, BurnedInAnnotation=None))


def test_cause_quotes_no_value_of_the_file() -> None:
    """The cause names the rule, never what else the element holds."""
    with pytest.raises(HoldError) as caught:
        check_burned_in_text(make_dataset(ImageType=["ORIGINAL", "PRIMARY", "SCREEN OF DOE"]))
    assert "DOE" not in str(caught.value)
    assert "release" in caught.value.next_step
