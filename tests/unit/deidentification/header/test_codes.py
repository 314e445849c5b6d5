"""Code values: the forms and check digits of their coding schemes."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr._concepts_dict import concepts

from deidentification.header.codes import is_standard_code
from tests.support.factories import make_dataset
from tests.unit.deidentification.header.cleaned import cleaned

_SCHEMES = "DCM SCT SRT LN RADLEX FMA NCIT UMLS MDC NDC ITIS_TSN".split()


@pytest.mark.parametrize("scheme", _SCHEMES)
def test_codes_of_the_standard_are_codes(scheme: str) -> None:
    """Nearly all codes of the standard's context groups are accepted; modality letters of DCM are not."""
    codes = {code for by_code in concepts.get(scheme, {}).values() for code in by_code}
    refused = {code for code in codes if not is_standard_code(code, scheme) and any(map(str.isdigit, code))}
    assert len(refused) <= 0.02 * len(codes), sorted(refused)[:20]


@pytest.mark.parametrize(
    ("value", "scheme"),
    [
        ("123456789", "SCT"),  # wrong check digit
        ("39607009", "SCT"),
        ("123456", "SRT"),
        ("39607008", "DCM"),  # a code of another scheme
        ("123456789012", "LN"),
        ("2339-1", "LN"),  # wrong check digit
        ("123456789", "FMA"),
        ("20190823", "MDC"),
        ("1234567", "UBERON"),
        ("39607008", "99HOSPITAL"),
        ("T-D4000", "DCM"),
        ("٣٩٦٠٧٠٠٨", "SCT"),
    ],
)
def test_other_numbers_are_no_codes(value: str, scheme: str) -> None:
    """A number is no code where its scheme has none of that form or with that check digit."""
    assert not is_standard_code(value, scheme)


@pytest.mark.parametrize(
    ("value", "scheme"), [("39607008", "SCT"), ("T-D4000", "SRT"), ("113100", "DCM"), ("2339-0", "LN")]
)
def test_codes_are_codes(value: str, scheme: str) -> None:
    """Codes of their schemes are accepted."""
    assert is_standard_code(value, scheme)


@pytest.mark.parametrize("elements", [{"PatientID": "396-070-08"}, {"AccessionNumber": "0039607008"}])
def test_a_number_of_the_patient_is_no_code(elements: dict[str, object]) -> None:
    """A number of the identity is removed even if it is a code of a standard scheme."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "39607008", "SCT", "Lung"
    sequence = Sequence([code])
    assert "AnatomicRegionSequence" in cleaned(make_dataset(AnatomicRegionSequence=sequence))
    assert "AnatomicRegionSequence" not in cleaned(make_dataset(AnatomicRegionSequence=sequence, **elements))
