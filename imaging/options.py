"""What may be chosen for a file: values alone, for which a process that draws nothing loads no library."""

from collections.abc import Mapping
from dataclasses import dataclass, field

RECIPE_VERSION = 4
"""Of `imaging.rendering`: with another version the same file and options may give other pictures."""


@dataclass(frozen=True)
class Limits:
    """Limits on a file, checked before anything of it is decoded."""

    max_pixels_per_frame: int = 50_000_000
    max_frames: int = 10_000


@dataclass(frozen=True)
class PictureRules:
    """Settings for drawing pictures."""

    is_16_bit: bool = False  # grey pictures hold modality values in 16 bits, else grey levels in 8
    windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # center, width by modality


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of pixels in a frame; the first column and the first row are 0."""

    left: int
    top: int
    width: int
    height: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Its rows and columns, as an index of an array of shape (rows, columns)."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)
