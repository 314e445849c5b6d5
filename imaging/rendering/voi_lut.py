"""VOI windows: values in modality units to greys (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Luts = dict[str, Any]  # look-up attributes by keyword


@dataclass(frozen=True)
class Window:
    """A window in modality units, and where it comes from."""

    center: float
    width: float
    function: str = "LINEAR"  # or LINEAR_EXACT, SIGMOID
    origin: str = "of the file"

    def __str__(self) -> str:
        return f"window {self.center:g}/{self.width:g} {self.function} {self.origin}"

    def greys(self, values: NDArray[Any]) -> Picture:
        """Values of any shape through the window to 0..255."""
        center, width = self.center, self.width
        x = values.astype(np.float64)
        if self.function == "SIGMOID":
            return rounded(255 / (1 + np.exp(-4 * (x - center) / width)))
        if self.function == "LINEAR":
            # C.11.2.1.2.1: the centre is half a value lower and the width one value less.
            center, width = center - 0.5, width - 1
            if width == 0:
                return rounded(np.where(x <= center, 0.0, 255.0))
        return rounded(((x - center) / width + 0.5) * 255)


# Soft tissue, as most viewers show a CT without a window: air is black, bone is white.
CT_DEFAULT = Window(40, 400, origin="by default for CT")


def first_window(luts: Luts) -> Window | None:
    """The first window among look-up attributes, if there is a usable one."""
    if "WindowCenter" not in luts or "WindowWidth" not in luts:
        return None
    center, width = _first(luts["WindowCenter"]), _first(luts["WindowWidth"])
    function = str(luts.get("VOILUTFunction") or "LINEAR").upper()
    if function not in {"LINEAR", "LINEAR_EXACT", "SIGMOID"}:
        function = "LINEAR"
    if width < 1 if function == "LINEAR" else width <= 0:
        return None
    return Window(center, width, function)


def _first(value: Any) -> float:
    return float(value[0] if hasattr(value, "__iter__") else value)


def stretched(values: NDArray[Any], low: float, high: float) -> Picture:
    """Values stretched from `low`..`high` to 0..255; all black if these are equal."""
    x = values.astype(np.float64)
    if high == low:
        return np.zeros(x.shape, np.uint8)
    x = np.clip(np.where(np.isnan(x), low, x), low, high)
    # Quarters, so that the difference of two large doubles stays finite.
    return rounded((x / 4 - low / 4) / (high / 4 - low / 4) * 255)


def rounded(values: NDArray[Any]) -> Picture:
    """The nearest greys, clipped to 0..255."""
    return cast("Picture", np.clip(np.rint(values), 0, 255).astype(np.uint8))
