"""The entropy-coded data of a sequential JPEG, read code by code to its true end (ITU-T T.81 annex F).

Decoders ignore what stands between the last block and the next marker, so only reading every code
tells whether the picture ends there.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from deidentification.pixels.streams.huffman_table import (
    BITS,
    BLOCK_END,
    INVALID,
    STEP,
    STEPS,
    SYMBOL,
    WINDOW,
    code_entries,
)
from deidentification.pixels.streams.jpeg_header import BLOCK, Component, JpegHeader
from deidentification.pixels.streams.unclean_stream import UncleanStreamError

_RESTARTS = range(0xD0, 0xD8)
_RESTART_MARKER = re.compile(rb"\xff+([\xd0-\xd7])")
_OTHER_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # ends the scan
_HARMLESS = frozenset(
    [0xD9, 0xFE, *range(0xE0, 0xF0)]
)  # end, comment, application data: no more of the picture
_PADDING = 8  # bytes read at most behind the last one by a valid scan's last window
_FURTHEST = BLOCK + BLOCK_END + WINDOW


@dataclass
class Used:
    """What occurs in a scan: the entries of each Huffman table, the coefficients of each other table."""

    entries: dict[tuple[bool, int], set[int]] = field(default_factory=dict)
    coefficients: dict[int, bytearray] = field(default_factory=dict)  # index 1 + position in zigzag order

    def symbols(self, table: tuple[bool, int]) -> set[int]:
        """The symbols of a Huffman table whose codes occur."""
        return {entry >> SYMBOL for entry in self.entries[table]}


@dataclass(frozen=True)
class _Block:
    """How to read one block of a unit."""

    dc: Sequence[int]
    ac: Sequence[int]
    dc_used: set[int]
    ac_used: set[int]
    coefficients: bytearray


def clean_scan(stream: bytes, header: JpegHeader) -> tuple[bytes, Used]:
    """The entropy-coded data up to the next marker, and what it uses of the tables.

    Raises UncleanStreamError if the data is shorter or longer than the picture needs, or has other codes
    than those of its tables.
    """
    used = Used()
    blocks = _blocks_of_unit(header, used)
    numbers = _units(header)
    intervals = list(_intervals(stream, header.end))
    if len(intervals) != len(numbers):
        raise UncleanStreamError
    parts = []
    for index, (data, number) in enumerate(zip(intervals, numbers, strict=True)):
        if index:
            parts.append(bytes([0xFF, _RESTARTS[(index - 1) % len(_RESTARTS)]]))
        parts.append(_clean_interval(data, blocks, number))
    if any(INVALID in entries for entries in used.entries.values()):
        raise UncleanStreamError
    return b"".join(parts), used


def _units(header: JpegHeader) -> list[int]:
    """The number of units (MCU) in each restart interval."""
    if len(header.components) == 1:
        number = math.ceil(header.columns / 8) * math.ceil(header.rows / 8)
    else:
        across = 8 * max(c.horizontal for c in header.components)
        down = 8 * max(c.vertical for c in header.components)
        number = math.ceil(header.columns / across) * math.ceil(header.rows / down)
    interval = header.restart_interval or number
    return [min(interval, number - first) for first in range(0, number, interval)]


def _blocks_of_unit(header: JpegHeader, used: Used) -> list[_Block]:
    entries: dict[tuple[bool, int], Sequence[int]] = {}
    blocks = []
    for component in header.components:
        for key in _tables(component):
            entries[key] = code_entries(header.huffman[key])
            used.entries.setdefault(key, set())
        coefficients = used.coefficients.setdefault(component.quantization, bytearray(_FURTHEST))
        dc, ac = _tables(component)
        block = _Block(entries[dc], entries[ac], used.entries[dc], used.entries[ac], coefficients)
        is_alone = len(header.components) == 1
        blocks += [block] * (1 if is_alone else component.horizontal * component.vertical)
    return blocks


def _tables(component: Component) -> tuple[tuple[bool, int], tuple[bool, int]]:
    return (False, component.dc), (True, component.ac)


def _intervals(stream: bytes, first: int) -> Iterator[bytes]:
    """The entropy-coded data between restart markers, up to any other marker, without stuffed bytes."""
    found = _OTHER_MARKER.search(stream, first)
    if found is None or found[1][0] not in _HARMLESS:
        raise UncleanStreamError
    start, end = first, found.start()
    for index, marker in enumerate(_RESTART_MARKER.finditer(stream, first, end)):
        if marker[1][0] != _RESTARTS[index % len(_RESTARTS)]:
            raise UncleanStreamError
        yield stream[start : marker.start()].replace(b"\xff\0", b"\xff")
        start = marker.end()
    yield stream[start:end].replace(b"\xff\0", b"\xff")


def _clean_interval(data: bytes, blocks: list[_Block], number: int) -> bytes:
    """The data with ones in the bits that fill the last byte (F.1.2.3)."""
    try:
        bits = _read(data, blocks, number)
    except IndexError:
        raise UncleanStreamError from None
    if len(data) != (bits + 7) // 8:
        raise UncleanStreamError
    clean = bytearray(data)
    if bits % 8:
        clean[-1] |= 0xFF >> (bits % 8)
    return bytes(clean).replace(b"\xff", b"\xff\0")


def _read(data: bytes, blocks: list[_Block], number: int) -> int:
    """Read `number` units; the bits that they take."""
    windows = _windows(data)
    position = 0
    for _ in range(number):
        for block in blocks:
            ac, used, coefficients = block.ac, block.ac_used, block.coefficients
            entry = block.dc[(windows[position >> 3] >> (WINDOW - (position & 7))) & 0xFFFF]
            block.dc_used.add(entry)
            position += entry & BITS
            index = 1
            while index < BLOCK:
                entry = ac[(windows[position >> 3] >> (WINDOW - (position & 7))) & 0xFFFF]
                used.add(entry)
                position += entry & BITS
                index += entry >> STEP & STEPS
                coefficients[index] = 1
            if index > BLOCK and entry >> STEP & STEPS != BLOCK_END:
                raise UncleanStreamError
    return position


def _windows(data: bytes) -> Sequence[int]:
    """For each byte the 32 bits from there on."""
    padded = np.frombuffer(data + b"\0" * _PADDING, np.uint8).astype(np.uint32)
    return (padded[:-3] << 24 | padded[1:-2] << 16 | padded[2:-1] << 8 | padded[3:]).data
