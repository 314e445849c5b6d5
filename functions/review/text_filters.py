"""How numbers and times are written on the pages."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

_NOTHING = "\u2013"  # a dash


def number(value: int | None) -> str:
    """A count with thin spaces between thousands; a dash if there is none."""
    return _NOTHING if value is None else f"{value:,}".replace(",", "\u202f")


def age(seconds: float | None) -> str:
    """A duration in its largest whole unit."""
    if seconds is None:
        return _NOTHING
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def moment(value: datetime | None) -> str:
    """A time in UTC, to the second."""
    return _NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


FILTERS: dict[str, Callable[..., Any]] = {"number": number, "age": age, "moment": moment}
