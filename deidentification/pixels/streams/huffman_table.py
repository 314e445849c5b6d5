"""Huffman tables of JPEG (ITU-T T.81 annex C), prepared for reading code after code."""

from dataclasses import dataclass
from functools import lru_cache

from deidentification.pixels.streams.unclean_stream import UncleanStreamError

WINDOW = 16  # the longest code in bits
BITS = 0xFF  # mask: the bits to skip, those of the code and of the value behind it
STEP = 8  # shift: by how many coefficients to go on
STEPS = 0x7F  # mask, after the shift
SYMBOL = 16  # shift: the symbol of the code
BLOCK_END = 64  # the step of an end-of-block code: more than a block has
INVALID = BLOCK_END << STEP | 1 << 24  # the entry of bits that begin no code
_LARGEST_CATEGORY = 15
_LONG_RUN = 0xF0  # sixteen zeros


@dataclass(frozen=True)
class HuffmanTable:
    """One table as a DHT segment defines it."""

    is_ac: bool
    counts: bytes  # the number of codes of 1 to 16 bits
    symbols: bytes  # in the order of their codes

    def __post_init__(self) -> None:
        codes, room = 0, 0
        for bits, count in enumerate(self.counts, 1):
            codes += count
            room += count << (WINDOW - bits)
        largest = 0xFF if self.is_ac else _LARGEST_CATEGORY
        is_valid = codes == len(self.symbols) and room <= 1 << WINDOW
        if not is_valid or len(set(self.symbols)) != codes or max(self.symbols, default=0) > largest:
            raise UncleanStreamError

    def without_unused_symbols(self, used: set[int]) -> "HuffmanTable":
        """The same codes; a symbol whose code never occurs is replaced by the least one that is free."""
        free = (symbol for symbol in range(256) if symbol not in used)
        symbols = bytes([symbol if symbol in used else next(free) for symbol in self.symbols])
        return HuffmanTable(self.is_ac, self.counts, symbols)


@lru_cache(maxsize=8)  # most frames of a clip, and most files of a device, have the same tables
def code_entries(table: HuffmanTable) -> list[int]:
    """For each pattern of the next 16 bits: the bits to skip, the step and the symbol in one number."""
    entries: list[int] = []
    symbols = iter(table.symbols)
    for bits, count in enumerate(table.counts, 1):
        for _ in range(count):
            entries += [_entry(next(symbols), bits, is_ac=table.is_ac)] * (1 << (WINDOW - bits))
    return entries + [INVALID] * ((1 << WINDOW) - len(entries))


def _entry(symbol: int, bits: int, *, is_ac: bool) -> int:
    """T.81 F.2.2.1 for DC differences, F.2.2.2 for AC coefficients."""
    if not is_ac:
        return symbol << SYMBOL | (bits + symbol)
    run, category = symbol >> 4, symbol & 0xF
    if category:
        step = run + 1
    elif symbol == _LONG_RUN:
        step = 16
    elif symbol == 0:
        step = BLOCK_END
    else:
        return INVALID  # only progressive scans have such symbols
    return symbol << SYMBOL | step << STEP | (bits + category)
