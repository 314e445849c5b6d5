"""Numbers that files write as text, or as something that only looks like a number (PS3.5 6.2, VR DS)."""

import math
import re
from typing import Any

from pydicom.multival import MultiValue

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*", re.ASCII)


def read_number(value: Any) -> float | None:
    """The finite number that a single value says; None if it says none. A decimal comma is a point."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if "_" in str(getattr(value, "original_string", value)):
        return None  # Python takes it for a separator of digits
    if isinstance(value, str):
        value = value.strip("\0 ")
        if _DECIMAL_COMMA.fullmatch(value):
            value = value.replace(",", ".")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def has_decimal_comma(value: Any) -> bool:
    """Whether a single value is text of a number with a decimal comma."""
    return isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip("\0 ")) is not None


def each_value(value: Any) -> list[Any]:
    """The single values of an element's value."""
    return list(value) if isinstance(value, MultiValue | list | tuple) else [value]
