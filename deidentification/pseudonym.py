"""Keyed pseudonyms: the same in every process, and no table maps them back.

HMAC-SHA256 (RFC 2104) with a domain of its own for each kind, so that a patient's pseudonym,
UIDs and date shift tell nothing of one another.
"""

import hmac
from datetime import date, timedelta

from pydicom._uid_dict import UID_dictionary

MAX_SHIFT_DAYS = 3650


class Pseudonyms:
    """The pseudonym space of one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("The pseudonym key must have 32 bytes.")
        self._key = key

    @property
    def key_id(self) -> str:
        """Names the key without telling it."""
        return self._digest("key-id", "")[:4].hex()

    def patient(self, patient_id: str, issuer: str, study_instance_uid: str) -> str:
        """The pseudonym of a patient, 20 hex digits after 'P'.

        An empty patient id is scoped to its study, or all unknown patients would merge.
        """
        name = patient_id.strip().upper()
        scope = f"{issuer.strip().upper()}\x1f{name}" if name else f"study\x1f{study_instance_uid}"
        return f"P{self._digest('patient', scope)[:10].hex()}"

    def uid(self, uid: str) -> str:
        """The UID in place of another, under 2.25 (PS3.5 B.2); those of PS3.6 stay as they are."""
        if is_registered(uid):
            return uid
        return f"2.25.{int.from_bytes(self._digest('uid', uid.strip())[:16], 'big')}"

    def shifted(self, day: date, patient: str) -> date:
        """The day earlier by 1 to 3650 days, the same number for all dates of a patient."""
        digest = self._digest("date-shift", patient)
        days = 1 + int.from_bytes(digest[:8], "big") % MAX_SHIFT_DAYS
        return day - timedelta(days=days)

    def content(self, digest: bytes) -> str:
        """A keyed digest of a file's digest, which can leave the raw side."""
        return hmac.new(self._key, b"content\x1f" + digest, "sha256").hexdigest()

    def _digest(self, domain: str, text: str) -> bytes:
        message = f"{domain}\x1f{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, "sha256").digest()


def is_registered(uid: str) -> bool:
    """Whether PS3.6 lists a UID, so that it is nobody's own."""
    return uid in UID_dictionary
