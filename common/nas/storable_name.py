"""Names of the NAS as text that Postgres can store."""

import re

_ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2}))")


def storable(name: str) -> str:
    """A name as text that Postgres can store: bytes that are not UTF-8 become backslash escapes.

    Different names stay different: a backslash in the name itself is doubled.
    """
    doubled = name.replace("\\", "\\\\")
    return doubled.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def original(text: str) -> str:
    """The name that `storable` turned into this text."""
    return _ESCAPED.sub(lambda found: chr(0xDC00 + int(found[1], 16)) if found[1] else "\\", text)
