"""Name the reasons against a picture in words that a person understands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.features.image_features import FEATURE_NAMES

# Features behind each reason. The sign is the direction that counts against a picture.
WORDS: dict[str, tuple[str, ...]] = {
    "too dark": ("-mean", "-percentile_99", "-foreground_mean"),
    "too bright": ("+mean", "+foreground_mean", "+percentile_50", "+share_white", "+percentile_1"),
    "low contrast": ("-std", "-tile_std_90", "-tile_std_50"),
    "only black and white": ("+share_white", "+tile_std_90"),
    "few grey levels": (
        "-foreground_entropy",
        "-foreground_levels_used",
        "+histogram_comb",
        "+share_commonest_level",
    ),
    "blurred": (
        "-gradient_mean",
        "-laplacian_to_gradient",
        "-sharpness_mean",
        "-sharpness_worst",
        "-spectral_slope",
        "-sharpness_across",
    ),
    "noisy": ("+noise_mad", "+noise_dark_tiles", "+noise_bright_tiles", "+isolated_pixels", "+band_30_50"),
    "missing rows or cut off": (
        "+lines_empty_inside",
        "+line_jump",
        "+line_spikes",
        "+cut_edge",
        "+empty_bands",
        "+empty_end",
    ),
    "shifted rows": ("+moved_gain", "+moved_lines"),
    "missing parts": ("+constant_tiles_beside_texture", "+tiles_constant"),
    "uneven brightness": (
        "+one_sided",
        "+one_sided_detail",
        "+shading_amplitude",
        "+shading_explained",
        "+slope",
    ),
    "repeated lines or grid": ("+step_period", "+spectral_peak", "+direction_strongest"),
    "blocks from compression": ("+block_8_border", "+equal_neighbours", "+lines_repeated"),
    "rings": ("+rings_explained",),
    "doubled": ("+echo_far",),
    "smeared": ("+gradient_coherence", "+echo_dark", "+gradient_direction", "-direction_weakest"),
}
_MOST_REASONS = 3
# A dark picture is also flat, smooth and has few grey levels. Its cause counts double, so that it is named
# before these effects. The same holds for missing rows, which also repeat and have straight borders.
_CAUSES = {"too dark": 2.0, "too bright": 2.0, "missing rows or cut off": 2.0}
_LIMIT_OF_RANGE = 1.0001  # over 1 by more than rounding: the pictures that the range was taken from lie on it

_REASONS = tuple(WORDS)
_IMPORTANCE = np.array([_CAUSES.get(word, 1.0) for word in WORDS])
# Places in the row that `UsualRange._beyond` returns, reason by reason, and where each reason begins.
_SIGNED = np.array(
    [
        FEATURE_NAMES.index(signed[1:]) + (len(FEATURE_NAMES) if signed[0] == "-" else 0)
        for features in WORDS.values()
        for signed in features
    ]
)
_FIRST_SIGNED = np.cumsum([0, *(len(features) for features in WORDS.values())])[:-1]


@dataclass(frozen=True)
class UsualRange:
    """The range of the features of clean training pictures, float64 arrays (len(FEATURE_NAMES),)."""

    low: NDArray[np.float64]
    """3 % of the good pictures lie below it."""
    median: NDArray[np.float64]
    high: NDArray[np.float64]
    """3 % of the good pictures lie above it."""

    @classmethod
    def of(cls, features: NDArray[np.float64], weights: NDArray[np.float64]) -> "UsualRange":
        """Return the weighted percentiles 3, 50 and 97 of each column of (n, len(FEATURE_NAMES))."""
        return cls(*(_percentiles(features, weights, share) for share in (0.03, 0.5, 0.97)))

    def reasons(self, features: NDArray[np.float64]) -> tuple[str, ...]:
        """Return up to three reasons whose features lie furthest outside the range, the strongest first."""
        strengths = np.maximum.reduceat(self._beyond(features)[_SIGNED], _FIRST_SIGNED)
        outside = np.flatnonzero(strengths > _LIMIT_OF_RANGE)
        by_strength = np.argsort(-(strengths * _IMPORTANCE)[outside], kind="stable")
        return tuple(_REASONS[index] for index in outside[by_strength[:_MOST_REASONS]])

    def _beyond(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each feature lies above the median, then below; 1 is the limit of the range."""
        span = np.abs(self.high - self.low) * 0.02 + 1e-6  # keep features that hardly vary from dominating
        up = (features - self.median) / np.maximum(self.high - self.median, span)
        down = (self.median - features) / np.maximum(self.median - self.low, span)
        return np.concatenate([up, down])


def _percentiles(
    features: NDArray[np.float64], weights: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    order = np.argsort(features, axis=0, kind="stable")
    is_reached = np.cumsum(weights[order], axis=0) >= share * weights.sum()
    rows = order[is_reached.argmax(axis=0), np.arange(features.shape[1])]
    chosen: NDArray[np.float64] = features[rows, np.arange(features.shape[1])]
    return chosen
