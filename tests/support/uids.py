"""UIDs of the form that pseudonyms have."""

_UUID_8 = 0x8 << 76 | 0x2 << 62  # version and variant of RFC 9562


def uid(number: int) -> str:
    """The pseudonymous UID with this number."""
    return f"2.25.{_UUID_8 + number}"
