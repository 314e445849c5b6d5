"""The look of a picture: its background, and whether it is in colour."""

from collections.abc import Mapping
from enum import StrEnum

_LARGE = 0.15  # share of the picture
_COLOURED = 0.05


class Look(StrEnum):
    """Looks that pictures of one modality have, and those of another do not."""

    ON_BLACK = "on black, or without background"
    ON_WHITE = "on white"
    IN_COLOUR = "in colour"


def look_of(features: Mapping[str, float]) -> Look:
    """Return the look by the shares of black, white and colour; features hold their square roots."""
    if features["share_coloured"] ** 2 >= _COLOURED:
        return Look.IN_COLOUR
    black, white = features["share_black"] ** 2, features["share_white"] ** 2
    return Look.ON_WHITE if white >= _LARGE and white > black else Look.ON_BLACK
