"""Keyed pseudonyms: the same in every process, without a table that maps them back.

HMAC-SHA256 (RFC 2104) with a separate domain for each kind of pseudonym, so that a patient's
pseudonym, UIDs and date shift reveal nothing about one another.
"""

import hmac
from datetime import date, timedelta

# 1 to 40 years: an attacker who knows that twelve examinations were on working days still has 1,200 of these
# shifts to choose from (tests/unit/deidentification/test_shift_attack.py); of 3,650 days there were 300.
MIN_SHIFT_DAYS, MAX_SHIFT_DAYS = 366, 14_600


# RFC 9562: the four bits of the version, and the two of the variant.
_UUID_MASK = 0xF << 76 | 0x3 << 62
_UUID_8 = 0x8 << 76 | 0x2 << 62


class Pseudonyms:
    """Pseudonyms made with one 32-byte key; another key gives other pseudonyms."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("The pseudonym key must have 32 bytes.")
        self._key = key

    @property
    def key_id(self) -> str:
        """8 hex digits that identify the key without revealing it."""
        return self._digest("key-id", "")[:4].hex()

    @property
    def key_check(self) -> str:
        """64 hex digits by which the database recognises the key; they reveal nothing of it."""
        return self._digest("key-check", "").hex()

    def patient(self, patient_id: str, issuer: str, study_instance_uid: str) -> str:
        """The pseudonym of a patient: 'P' and 20 hex digits.

        An empty patient ID is scoped to its study; otherwise all unknown patients would be one.
        """
        name = patient_id.strip().upper()
        scope = f"{issuer.strip().upper()}\x1f{name}" if name else f"study\x1f{study_instance_uid}"
        return f"P{self._digest('patient', scope)[:10].hex()}"

    def uid(self, uid: str) -> str:
        """The UID that replaces another, under 2.25 (PS3.5 B.2); UIDs of PS3.6 come back unchanged.

        It is a UUID of version 8 (RFC 9562), which no device makes, so that it can be told from an original.
        """
        if is_registered(uid):
            return uid
        digest = int.from_bytes(self._digest("uid", uid.strip())[:16], "big")
        return f"2.25.{digest & ~_UUID_MASK | _UUID_8}"

    def shifted(self, day: date, patient: str) -> date:
        """The date 1 to 40 years earlier, by the same number of days for all dates of a patient."""
        digest = self._digest("date-shift", patient)
        number = MAX_SHIFT_DAYS - MIN_SHIFT_DAYS + 1
        return day - timedelta(days=MIN_SHIFT_DAYS + int.from_bytes(digest[:8], "big") % number)

    def content(self, digest: bytes) -> str:
        """A keyed digest of a digest of a file's content, in hex, which may leave the bucket `raw`."""
        return hmac.new(self._key, b"content\x1f" + digest, "sha256").hexdigest()

    def _digest(self, domain: str, text: str) -> bytes:
        message = f"{domain}\x1f{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, "sha256").digest()


def is_registered(uid: str) -> bool:
    """Whether PS3.6 lists a UID, so that it identifies nobody."""
    from pydicom._uid_dict import UID_dictionary  # pydicom takes half a second, and keys need none

    return uid in UID_dictionary
