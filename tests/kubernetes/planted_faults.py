"""Faults that a person could make in a manifest, one in each copy."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

# Their keys are the user's, or Knative leaves them to Kubernetes: an unknown one is no fault.
_MAPS = {"labels", "annotations", "matchLabels", "selector", "limits", "requests", "data", "volumes"}
Manifest = dict[str, Any]


def planted(manifest: Manifest) -> Iterator[tuple[str, Manifest]]:
    """Copies of a manifest with one fault each: an unknown field, a wrong type, a wrong kind of object."""
    yield "an unknown field deep inside", _with_unknown_field(manifest)
    yield "a wrong type", _with_wrong_type(manifest)
    yield "an unknown version", deepcopy(manifest) | {"apiVersion": "v9"}


def _with_unknown_field(manifest: Manifest) -> Manifest:
    copy = deepcopy(manifest)
    _deepest(copy)["misspelt"] = "value"
    return copy


def _deepest(found: Manifest) -> Manifest:
    """The object that is reached by always following the last field with objects in it."""
    for name, value in reversed(found.items()):
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict) and inner and name not in {*_MAPS, "metadata"}:
            return _deepest(inner)
    return found


def _with_wrong_type(manifest: Manifest) -> Manifest:
    copy = deepcopy(manifest)
    place = copy.get("spec", copy if "automountServiceAccountToken" in copy else copy["metadata"])
    name = next(reversed(place))
    place[name] = 7 if isinstance(place[name], list | dict) else [place[name]]
    return copy
