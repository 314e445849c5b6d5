"""Which fragments of encapsulated pixel data make up which frame (PS3.5 A.4, PS3.3 C.7.6.3.1.8)."""

from collections.abc import Callable
from dataclasses import dataclass
from struct import unpack

from common.errors import PermanentError

_HEADER = 8  # bytes of an item's tag and length
_END_OF_IMAGE = b"\xff\xd9"  # JPEG's EOI and JPEG 2000's EOC
_STARTS_OF_IMAGE = (b"\xff\xd8\xff", b"\xff\x4f\xff")  # SOI and SOC, and the next marker
_NEXT_STEP = "Ask for the file to be sent again with right offset tables, then replay it."


@dataclass(frozen=True)
class Item:
    """A fragment, or the basic offset table."""

    offset: int  # of its value, from the first byte of the pixel data's value
    length: int


@dataclass(frozen=True)
class FrameFragments:
    """The fragments of each frame, and whether pydicom finds the same ones by the file's tables."""

    frames: list[list[Item]]
    is_by_tables: bool


def basic_offsets(table: bytes) -> list[int]:
    """The offsets of a basic offset table (A.4)."""
    number = len(table) // 4
    return list(unpack(f"<{number}L", table[: 4 * number]))


def extended_offset_table(tables: tuple[bytes, bytes] | None) -> tuple[list[int], list[int]] | None:
    """The offsets and the lengths of an extended offset table."""
    if tables is None:
        return None
    offsets, lengths = (list(unpack(f"<{len(one) // 8}Q", one[: len(one) // 8 * 8])) for one in tables)
    return offsets, lengths


def frame_fragments(
    fragments: list[Item],
    number_of_frames: int,
    *,
    basic: list[int],
    extended: tuple[list[int], list[int]] | None,
    read_start: Callable[[Item], bytes],
    read_end: Callable[[Item], bytes],
) -> FrameFragments | None:
    """The fragments of each frame; None if they can only be found as pydicom does.

    Where there is one frame, or one fragment for each, the tables are not needed and may be wrong.
    `read_start` and `read_end` return the first and the last bytes of a fragment. Raises
    PermanentError if a table is needed and wrong, or if there are fewer fragments than frames.
    """
    if len(fragments) < number_of_frames:
        raise PermanentError(
            f"NumberOfFrames is {number_of_frames}, but the pixel data has only {len(fragments)} fragments.",
            _NEXT_STEP,
        )
    starts = [item.offset - fragments[0].offset for item in fragments]
    given = basic if extended is None else extended[0]
    if number_of_frames == 1 and len(fragments) > 1:
        _check_is_one_image(fragments, read_end, read_start)
    if number_of_frames in (1, len(fragments)):
        return _without_tables(fragments, number_of_frames, starts, given, extended)
    if not given:
        return None
    is_right = len(given) == number_of_frames and given[0] == 0 and given == sorted(set(given))
    if is_right and _are_starts(given, dict(zip(starts, fragments, strict=True)), extended):
        return None
    frames = _by_end_of_image(fragments, read_end)
    if len(frames) == len(given) != number_of_frames:
        raise _other_number(number_of_frames, len(frames))
    if len(frames) != number_of_frames:
        table = "The Basic Offset Table" if extended is None else "ExtendedOffsetTable"
        raise PermanentError(f"{table} does not point to the frames (PS3.5 A.4).", _NEXT_STEP)
    return FrameFragments(frames, is_by_tables=False)


def _without_tables(
    fragments: list[Item],
    number_of_frames: int,
    starts: list[int],
    given: list[int],
    extended: tuple[list[int], list[int]] | None,
) -> FrameFragments:
    """The fragments of a single frame, or of frames of one fragment each."""
    frames = [fragments] if number_of_frames == 1 else [[item] for item in fragments]
    is_right = not given or given == starts[:number_of_frames]
    if extended is not None and is_right:
        is_right = _are_lengths_right(extended[1], frames)
    return FrameFragments(frames, is_right)


def _other_number(number_of_frames: int, found: int) -> PermanentError:
    return PermanentError(
        f"NumberOfFrames is {number_of_frames}, but the pixel data has {found} frames.", _NEXT_STEP
    )


def _check_is_one_image(
    fragments: list[Item], read_end: Callable[[Item], bytes], read_start: Callable[[Item], bytes]
) -> None:
    """PermanentError if the fragments are those of several complete JPEG or JPEG 2000 code streams."""
    frames = _by_end_of_image(fragments, read_end)
    if len(frames) > 1 and all(read_start(frame[0]).startswith(_STARTS_OF_IMAGE) for frame in frames):
        raise _other_number(1, len(frames))


def _are_starts(
    given: list[int], fragments: dict[int, Item], extended: tuple[list[int], list[int]] | None
) -> bool:
    """Whether a fragment begins at each offset; with an extended table, of the length given."""
    if not given or not set(given) <= set(fragments):
        return False
    return extended is None or _are_lengths_right(extended[1], [[fragments[start]] for start in given])


def _are_lengths_right(lengths: list[int], frames: list[list[Item]]) -> bool:
    """Whether each frame is one fragment of the length given, without or with its padding byte."""
    if len(lengths) != len(frames) or any(len(frame) > 1 for frame in frames):
        return False
    return all(frame[0].length - length in (0, 1) for frame, length in zip(frames, lengths, strict=True))


def _by_end_of_image(fragments: list[Item], read_end: Callable[[Item], bytes]) -> list[list[Item]]:
    """Fragments grouped by the end marker of JPEG and JPEG 2000 code streams."""
    frames: list[list[Item]] = [[]]
    for item in fragments:
        frames[-1].append(item)
        if _END_OF_IMAGE in read_end(item):
            frames.append([])
    return frames if frames[-1] else frames[:-1]
