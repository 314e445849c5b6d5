"""How a running home's functions learn of work, for people."""

from collections.abc import Mapping
from typing import Any


def delivery_sentence(endpoints: Mapping[str, Any]) -> str:
    """What starts the functions, by endpoints.json."""
    if endpoints["notifications"]:
        return "The object store notifies the functions of new objects; sweep finds what an event missed."
    return (
        "The object store sends no notifications: sweep starts the functions, within half a second of what "
        f"is announced, and lists raw/incoming/ and annotations every {endpoints['listing_seconds']:g} s."
    )
