"""The feature of colour, which the others, of the luma, don't see."""

import numpy as np

from model.features.picture_views import Picture

NAMES = ("share_coloured",)
_COLOURED = 32  # grey levels between the strongest and the weakest channel


def colour(picture: Picture) -> list[float]:
    """Return the square root of the share of coloured pixels; 0 for a grey picture.

    All pixels are counted: a sample of them would be another one in a mirrored picture.
    """
    if picture.ndim == 2:
        return [0.0]
    red, green, blue = (picture[:, :, channel] for channel in range(3))
    strongest, weakest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return [float(np.sqrt(np.count_nonzero(strongest - weakest > _COLOURED) / strongest.size))]
