"""Text that is written as binary numbers: the bytes of the numbers are its letters."""

import re
import string
from collections.abc import Iterable, Iterator
from functools import lru_cache
from struct import Struct, error

_FORMATS = {
    "US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
}  # fmt: skip
_RUN = re.compile(rb"[0-9A-Za-z]{4,}")
_ALPHANUMERIC = (string.ascii_letters + string.digits).encode()
_FEWEST_IN_WORD = 4
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
        return _struct(len(numbers), vr).pack(*numbers)
    except (error, OverflowError):
        return b""


@lru_cache(maxsize=64)
def _struct(number: int, vr: str) -> Struct:
    return Struct(f"<{number}{_FORMATS[vr]}")


def has_letters(data: bytes) -> bool:
    """Whether bytes have enough letters and digits for a word, which those of most numbers have not."""
    return len(data) - len(data.translate(None, _ALPHANUMERIC)) >= _FEWEST_IN_WORD


def are_letters(data: bytes, number: int) -> bool:
    """Whether so many numbers are nothing but text, in either order of bytes."""
    if len(data) < _FEWEST_BYTES or len(data) == number or not _TEXT.fullmatch(data):
        return False
    return len(_LETTERS.findall(data)) >= _FEWEST_LETTERS


def letters_in(data: bytes, fewest: int) -> Iterator[str]:
    """The runs of letters and digits in bytes, in upper case; also with the bytes of each number turned."""
    if not has_letters(data):
        return
    orders = [data, *(_turned(data, size) for size in (2, 4, 8) if len(data) % size == 0)]
    for order in orders:
        yield from (run.decode().upper() for run in _RUN.findall(order) if len(run) >= fewest)


def _turned(data: bytes, size: int) -> bytes:
    turned = bytearray(len(data))
    for index in range(size):
        turned[index::size] = data[size - 1 - index :: size]
    return bytes(turned)
