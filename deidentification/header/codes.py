"""Codes of standard coding schemes: a code value has a form of its scheme, so no other number passes."""

import re

from deidentification.header import terms

_SNOMED_RT = r"[A-Z]{1,2}-[0-9A-F]{4,6}"
# By coding scheme designator (PS3.16 table 8-1), for the schemes of `terms`. Only SNOMED CT has long numbers.
_FORMS = {
    scheme: re.compile(form)
    for scheme, form in {
        "DCM": r"1[0-3]\d{4}",
        "SCT": rf"\d{{6,18}}|{_SNOMED_RT}",
        "SRT": rf"\d{{6,18}}|{_SNOMED_RT}",
        "SNM3": _SNOMED_RT,
        "99SDM": _SNOMED_RT,
        "LN": r"\d{1,5}-\d",
        "RADLEX": r"RID\d{1,6}",
        "FMA": r"\d{4,6}",
        "NCIT": r"C\d{4,7}",
        "UMLS": r"C\d{7}",
        "I10": r"[A-Z]\d\d(\.\d{1,2})?",
        "I9C": r"[A-Z]?\d\d\d?(\.\d{1,2})?",
        "MDC": r"\d{1,2}:\d{1,5}|\d{5,6}",  # partition and term, or both as one number
        "UBERON": r"0\d{6}",
        "MA": r"0\d{6}",
        "MGI": r"\d{5,7}",
        "ITIS_TSN": r"\d{5,6}",
        "NDC": r"\d{4,5}-\d{3,4}-\d{1,2}",
    }.items()
}
# The check digit of SNOMED CT (Verhoeff): multiplication in the dihedral group of 10, and a permutation.
_PRODUCT = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def is_standard_code(value: str, scheme: str) -> bool:
    """Whether a code value may be one of a standard coding scheme, by its form and check digit."""
    designator = scheme.upper()
    if designator == "UCUM":
        return terms.UNIT.fullmatch(value) is not None
    form = _FORMS.get(designator)
    if form is None or not value.isascii() or form.fullmatch(value) is None:
        return False
    if designator in {"SCT", "SRT"} and value.isdigit():
        return has_verhoeff_check_digit(value)
    return designator != "LN" or has_luhn_check_digit(value.replace("-", ""))


def has_verhoeff_check_digit(digits: str) -> bool:
    """Whether the last digit is Verhoeff's check digit of the others, as in SNOMED CT identifiers."""
    check = 0
    for position, digit in enumerate(reversed(digits)):
        check = int(_PRODUCT[check][int(_PERMUTED[position % 8][int(digit)])])
    return check == 0


def has_luhn_check_digit(digits: str) -> bool:
    """Whether the last digit is the check digit modulo 10 of the others, as in LOINC codes."""
    doubled = [int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(digits))]
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0
