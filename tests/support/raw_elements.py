"""Raw DICOM elements that no writer should produce, and files with them."""

import struct

from tests.support.factories import make_dataset, to_bytes

MARKER = "ZWEIFELHUBER"  # stands for a patient's name
TEXT = MARKER.encode()
UNDEFINED = 0xFFFFFFFF  # length (PS3.5 7.1.1)
PREFIX = bytes(128) + b"DICM"
_LONG_VRS = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())


def element(tag: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """An element in explicit VR little endian (PS3.5 7.1.2)."""
    value += b" " * (len(value) % 2)
    length = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack("<HL", 0, length) if vr in _LONG_VRS else struct.pack("<H", length)) + value


def implicit_element(tag: int, value: bytes) -> bytes:
    """An element in implicit VR little endian (PS3.5 7.1.3)."""
    value += b" " * (len(value) % 2)
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value)) + value


def item(content: bytes, *, has_length: bool = True) -> bytes:
    """An item of a sequence, of explicit or undefined length (PS3.5 7.5)."""
    if has_length:
        return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(content)) + content
    return b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + content + b"\xfe\xff\x0d\xe0\0\0\0\0"


def ct_with(*elements: bytes, after: bytes = b"", **others: object) -> bytes:
    """CT_small with raw elements before all others, and bytes after its pixels."""
    data = to_bytes(make_dataset(**others))
    start = 144 + struct.unpack("<L", data[140:144])[0]
    return data[:start] + b"".join(elements) + data[start:] + after
