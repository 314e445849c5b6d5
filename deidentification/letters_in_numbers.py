"""Text that is written as binary numbers: the bytes of the numbers are its letters."""

import re
from collections.abc import Iterable, Iterator
from struct import Struct, error

_FORMATS = {
    "US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
}  # fmt: skip
_RUN = re.compile(rb"[0-9A-Za-z]{4,}")
_SOME = re.compile(rb"([0-9A-Za-z].{0,6}){3}[0-9A-Za-z]", re.DOTALL)  # also if bytes are turned
_TEXT = re.compile(rb"[0-9A-Za-z ^,.'\0-]+")
_LETTERS = re.compile(rb"[A-Za-z]")
# Common numbers of so many bytes are no text by chance: those under 131,072 begin with no letter.
_FEWEST_BYTES, _FEWEST_LETTERS = 8, 6


def bytes_of(values: Iterable[float], vr: str) -> bytes:
    """The bytes of binary numbers in little endian; none if the VR can't hold them."""
    numbers = list(values)
    if vr not in _FORMATS or not numbers:
        return b""
    try:
        return Struct(f"<{len(numbers)}{_FORMATS[vr]}").pack(*numbers)
    except (error, OverflowError):
        return b""


def are_letters(data: bytes, number: int) -> bool:
    """Whether so many numbers are nothing but text, in either order of bytes."""
    if len(data) < _FEWEST_BYTES or len(data) == number or not _TEXT.fullmatch(data):
        return False
    return len(_LETTERS.findall(data)) >= _FEWEST_LETTERS


def letters_in(data: bytes, fewest: int) -> Iterator[str]:
    """The runs of letters and digits in bytes, in upper case; also with the bytes of each number turned."""
    if _SOME.search(data) is None:
        return
    orders = [data, *(_turned(data, size) for size in (2, 4, 8) if len(data) % size == 0)]
    for order in orders:
        yield from (run.decode().upper() for run in _RUN.findall(order) if len(run) >= fewest)


def _turned(data: bytes, size: int) -> bytes:
    turned = bytearray(len(data))
    for index in range(size):
        turned[index::size] = data[size - 1 - index :: size]
    return bytes(turned)
