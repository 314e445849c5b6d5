"""Specific Character Set values that pydicom 3.0 can't look up (PS3.3 C.12.1.1.2).

Importing this module makes pydicom read a term without its NUL characters, and take one that names
no character set at all for the default. Without it, such a term makes the file unreadable.
"""

from pydicom import charset

_corrected = charset._python_encoding_for_corrected_encoding  # noqa: SLF001


def python_encoding(term: str) -> str:
    """The Python encoding of a term that is none of the standard's."""
    term = term.replace("\0", "").strip()
    known = charset.python_encoding.get(term)
    if known is not None:
        return known
    encoding = _corrected(term)
    # Python also has encodings of bytes, of names and of nothing, such as hex, idna and undefined.
    return encoding if _is_readable(encoding) else charset.default_encoding


def _is_readable(encoding: str) -> bool:
    """Whether an encoding has the letters of ASCII, as all of DICOM have."""
    try:
        return b"Az09".decode(encoding) == "Az09"
    except (LookupError, ValueError):
        return False


setattr(charset, "_python_encoding_for_corrected_encoding", python_encoding)  # noqa: B010 mypy refuses it
