"""The form of pseudonyms, by which the names of stored images are told from original names.

Extract makes patients' pseudonyms of P and 20 hex digits, and UIDs of UUIDs of version 8 (RFC 9562)
under 2.25. Nothing else makes such UUIDs, so a UID of another form is an original, or of no image here.
"""

import re

_UID = re.compile(r"2\.25\.(0|[1-9][0-9]{0,38})")
_PATIENT = re.compile("P[0-9a-f]{20}")


def is_pseudonymous_uid(uid: str) -> bool:
    """Whether a UID has the form of the UIDs that replace the original ones."""
    found = _UID.fullmatch(uid)
    if found is None:
        return False
    number = int(found[1])
    return number < 1 << 128 and number >> 76 & 0xF == 0x8 and number >> 62 & 0x3 == 0x2


def is_pseudonymous_patient(name: str) -> bool:
    """Whether a name has the form of a patient's pseudonym."""
    return _PATIENT.fullmatch(name) is not None
