"""The header of a sequential JPEG, from its start up to its only scan (ITU-T T.81 annex B)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct

from deidentification.pixels.streams.huffman_table import HuffmanTable
from deidentification.pixels.streams.unclean_stream import UncleanStreamError

START, END = b"\xff\xd8", b"\xff\xd9"
BLOCK = 64  # coefficients
_QUANTIZATION, _HUFFMAN, _RESTART, _SCAN = 0xDB, 0xC4, 0xDD, 0xDA
_SEQUENTIAL_FRAMES = frozenset([0xC0, 0xC1])
_JFIF, _ADOBE, _APPLICATION, _COMMENT = 0xE0, 0xEE, range(0xE0, 0xF0), 0xFE
_FRAME_HEADER = Struct(">BHHB")
# Version 1.01, aspect ratio 1, no thumbnail.
_PLAIN_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_PLAIN_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"  # and the transform flag
# Decoders tell colour spaces by these numbers of components.
_USUAL_COMPONENTS = frozenset([*range(5), *b"RGB"])


@dataclass(frozen=True)
class Component:
    """A component of the frame, and its tables in the scan."""

    number: int
    horizontal: int  # sampling factors
    vertical: int
    quantization: int  # number of its table
    dc: int = 0
    ac: int = 0


@dataclass
class JpegHeader:
    """What a decoder needs of all that stands before the entropy-coded data."""

    quantization: dict[int, tuple[int, ...]] = field(default_factory=dict)  # in zigzag order, by number
    huffman: dict[tuple[bool, int], HuffmanTable] = field(default_factory=dict)  # by class and number
    restart_interval: int = 0
    frame: int = 0  # the marker
    precision: int = 0
    rows: int = 0
    columns: int = 0
    components: list[Component] = field(default_factory=list)
    is_jfif: bool = False
    transform: int | None = None  # of an Adobe segment
    end: int = 0  # where the entropy-coded data begins

    def encoded(self) -> bytes:
        """The header, with the tables that the scan uses, in one order."""
        segments = [START, _PLAIN_JFIF * self.is_jfif]
        if self.transform is not None:
            segments.append(_PLAIN_ADOBE + bytes([self.transform]))
        segments += [
            self._quantization(number) for number in sorted({c.quantization for c in self.components})
        ]
        segments.append(_segment(self.frame, self._frame()))
        used = {(False, c.dc) for c in self.components} | {(True, c.ac) for c in self.components}
        for is_ac, number in sorted(used):
            table = self.huffman[is_ac, number]
            segments.append(_segment(_HUFFMAN, bytes([is_ac << 4 | number]) + table.counts + table.symbols))
        if self.restart_interval:
            segments.append(_segment(_RESTART, self.restart_interval.to_bytes(2, "big")))
        scan = b"".join(bytes([c.number, c.dc << 4 | c.ac]) for c in self.components)
        segments.append(_segment(_SCAN, bytes([len(self.components)]) + scan + bytes([0, BLOCK - 1, 0])))
        return b"".join(segments)

    def _frame(self) -> bytes:
        head = _FRAME_HEADER.pack(self.precision, self.rows, self.columns, len(self.components))
        return head + b"".join(
            bytes([c.number, c.horizontal << 4 | c.vertical, c.quantization]) for c in self.components
        )

    def _quantization(self, number: int) -> bytes:
        values = self.quantization[number]
        size = 1 if max(values) < 256 else 2
        body = b"".join(value.to_bytes(size, "big") for value in values)
        return _segment(_QUANTIZATION, bytes([(size - 1) << 4 | number]) + body)


def read_header(stream: bytes) -> JpegHeader:
    """The header of a sequential JPEG with Huffman codes and one scan of all components.

    Raises UncleanStreamError for any other stream.
    """
    header = JpegHeader()
    for marker, body, end in _segments(stream):
        if marker == _QUANTIZATION:
            _read_quantization(header, body)
        elif marker == _HUFFMAN:
            _read_huffman(header, body)
        elif marker == _RESTART and len(body) == 2:
            header.restart_interval = int.from_bytes(body, "big")
        elif marker in _SEQUENTIAL_FRAMES and not header.frame:
            _read_frame(header, marker, body)
        elif marker in _APPLICATION:
            _read_application(header, marker, body)
        elif marker == _SCAN:
            _read_scan(header, body)
            header.end = end
            return header
        elif marker != _COMMENT:
            raise UncleanStreamError
    raise UncleanStreamError


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def _segments(stream: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, body and end of each segment behind the start of the image."""
    if not stream.startswith(START):
        raise UncleanStreamError
    offset = len(START)
    while offset + 4 <= len(stream):
        if stream[offset] != 0xFF:
            raise UncleanStreamError
        if stream[offset + 1] == 0xFF:
            offset += 1  # a fill byte (B.1.1.2)
            continue
        length = int.from_bytes(stream[offset + 2 : offset + 4], "big")
        end = offset + 2 + length
        if length < 2 or end > len(stream):
            raise UncleanStreamError
        yield stream[offset + 1], stream[offset + 4 : end], end
        offset = end


def _read_quantization(header: JpegHeader, body: bytes) -> None:
    while body:
        size, number = (body[0] >> 4) + 1, body[0] & 0xF
        values = body[1 : 1 + BLOCK * size]
        if size > 2 or len(values) < BLOCK * size:
            raise UncleanStreamError
        header.quantization[number] = tuple(
            int.from_bytes(values[index : index + size], "big") for index in range(0, len(values), size)
        )
        body = body[1 + BLOCK * size :]


def _read_huffman(header: JpegHeader, body: bytes) -> None:
    while body:
        table_class, number, counts = body[0] >> 4, body[0] & 0xF, body[1:17]
        symbols = body[17 : 17 + sum(counts)]
        if table_class > 1 or len(counts) < 16:
            raise UncleanStreamError
        header.huffman[bool(table_class), number] = HuffmanTable(bool(table_class), counts, symbols)
        body = body[17 + sum(counts) :]


def _read_frame(header: JpegHeader, marker: int, body: bytes) -> None:
    number = (len(body) - _FRAME_HEADER.size) // 3
    if len(body) != _FRAME_HEADER.size + 3 * number or number not in {1, 3}:
        raise UncleanStreamError
    header.frame = marker
    header.precision, header.rows, header.columns, declared = _FRAME_HEADER.unpack_from(body)
    for index in range(number):
        component, sampling, table = body[_FRAME_HEADER.size + 3 * index :][:3]
        header.components.append(Component(component, sampling >> 4, sampling & 0xF, table))
    factors = {factor for c in header.components for factor in (c.horizontal, c.vertical)}
    is_usual = {c.number for c in header.components} <= _USUAL_COMPONENTS and factors <= {1, 2, 3, 4}
    if declared != number or not is_usual or header.rows * header.columns == 0:
        raise UncleanStreamError


def _read_application(header: JpegHeader, marker: int, body: bytes) -> None:
    """The two segments by which decoders tell the colour space; all others are left out."""
    if marker == _JFIF and body.startswith(b"JFIF\0"):
        header.is_jfif = True
    elif marker == _ADOBE and body.startswith(b"Adobe") and len(body) >= 12:
        header.transform = body[11]
        if header.transform > 2:
            raise UncleanStreamError


def _read_scan(header: JpegHeader, body: bytes) -> None:
    """The tables of each component; only a scan of all components in the frame's order is accepted."""
    number = len(header.components)
    if number == 0 or len(body) != 4 + 2 * number or body[0] != number:
        raise UncleanStreamError
    for index, component in enumerate(header.components):
        selector, tables = body[1 + 2 * index : 3 + 2 * index]
        dc, ac = tables >> 4, tables & 0xF
        is_known = (False, dc) in header.huffman and (True, ac) in header.huffman
        if selector != component.number or not is_known or component.quantization not in header.quantization:
            raise UncleanStreamError
        header.components[index] = Component(
            selector, component.horizontal, component.vertical, component.quantization, dc, ac
        )
