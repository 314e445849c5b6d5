"""What is asked of the process that draws held files, and what it answers."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

HEAD = struct.Struct(">II")  # number of a frame, or 0 for the report; and the length of what follows


@dataclass(frozen=True)
class Request:
    """What is to be drawn of a file."""

    most_frames: int
    frames_of_text: Sequence[int] = ()  # in which text was found; they are drawn first
    frames: Sequence[int] = ()  # exactly these, counted from 1, instead of a choice
    window: tuple[float, float] | None = None  # centre and width instead of the file's own
    longest_side: int | None = None  # pictures are made smaller, to this many pixels
    releases: int = 0
    blank: Sequence[Sequence[int]] = ()  # what a person has made black


@dataclass
class Drawn:
    """The pictures of one file."""

    pictures: dict[int, bytes] = field(default_factory=dict)  # PNGs by frame, counted from 1
    frames: int | None = None  # of the file, if all that was wanted was drawn
    rows: int | None = None  # of a frame, in pixels
    columns: int | None = None
    windows: list[tuple[float, float]] = field(default_factory=list)  # centre and width, of the file
    is_grey: bool = False  # so that a window can be chosen
    is_ct: bool = False  # so that windows in Hounsfield units make sense
    cause: str | None = None  # why not
