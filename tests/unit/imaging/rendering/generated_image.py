"""Random images that follow the standard, and what they show, computed from its text pixel by pixel.

Nothing here uses the code that is tested: PS3.5 8.1.1 (bits), PS3.3 C.7.5.1.1.2 (padding), C.7.6.3.1
(palettes), C.7.6.16 (functional groups), C.11.1 (modality), C.11.2 (VOI), C.11.6 (polarity).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from tests.support.factories import make_grey

ROWS, COLUMNS = 12, 10
LEVELS = ("data set", "shared", "frame")
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Table:
    """A look-up table as the standard describes it."""

    first: int
    entries: tuple[int, ...]
    bits: int
    is_packed: bool

    def entry(self, value: float) -> int:
        index = min(max(int(value) - self.first, 0), len(self.entries) - 1)
        return self.entries[index]

    def item(self, order: str, *, is_signed: bool) -> Dataset:
        """The item of a LUT sequence, with words in a byte order."""
        item = Dataset()
        item.add_new("LUTDescriptor", "SS" if is_signed else "US", [len(self.entries), self.first, self.bits])
        item.add_new("LUTData", "OW", self.data(order))
        return item

    def data(self, order: str) -> bytes:
        if not self.is_packed:
            return np.array(self.entries, f"{order}u2").tobytes()
        pairs = [*self.entries, 0][: len(self.entries) + len(self.entries) % 2]
        words = [low | high << 8 for low, high in zip(pairs[::2], pairs[1::2], strict=True)]
        return np.array(words, f"{order}u2").tobytes()


@dataclass(frozen=True)
class Case:
    """What a random image is."""

    allocated: int
    stored: int
    high: int
    is_signed: bool
    photometric: str
    shape: str | None
    values: np.ndarray  # the stored values, of shape (frames, ROWS, COLUMNS)
    noise: int  # the seed of the other bits
    modality: tuple[float, float] | Table | None
    modality_level: str
    voi: tuple[float, float, str] | Table | None
    voi_level: str
    padding: int | None
    palette: tuple[Table, Table, Table] | None

    def words(self) -> np.ndarray:
        """The allocated bits, with random ones beside the stored bits."""
        mask, shift = (1 << self.stored) - 1, self.high + 1 - self.stored
        random = np.random.default_rng(self.noise).integers(0, 1 << self.allocated, self.values.shape)
        words = ((self.values & mask) << shift) | (random & ~(mask << shift))
        return (words & ((1 << self.allocated) - 1)).astype(f"u{self.allocated // 8}")


def _value_range(stored: int, *, is_signed: bool) -> tuple[int, int]:
    low = -(1 << (stored - 1)) if is_signed else 0
    return low, low + (1 << stored) - 1


@st.composite
def tables(draw: Draw, low: int, high: int, *, sizes: tuple[int, ...] = (8, 16)) -> Table:
    """A table that begins within a range of inputs, which lie within 16 bits."""
    bits = draw(st.sampled_from(sizes))
    number = draw(st.integers(2, min(300, high - low + 2)))
    first = draw(st.integers(low, max(low, high - number + 1)))
    seed = draw(st.integers(0, 1 << 30))
    entries = np.random.default_rng(seed).integers(0, 1 << bits, number).tolist()
    return Table(first, tuple(entries), bits, bits == 8 and draw(st.booleans()))


@st.composite
def cases(draw: Draw) -> Case:
    """Any image of one sample per pixel."""
    allocated = draw(st.sampled_from([8, 16]))
    stored = draw(st.integers(2, allocated))
    high = draw(st.integers(stored - 1, allocated - 1))
    photometric = draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2", "MONOCHROME2", "PALETTE COLOR"]))
    is_signed = photometric != "PALETTE COLOR" and draw(st.booleans())
    low, top = _value_range(stored, is_signed=is_signed)
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    frames = draw(st.integers(1, 3))
    values = random.integers(low, top + 1, (frames, ROWS, COLUMNS))
    slopes = st.tuples(st.sampled_from([0.5, 1.0, 2.0, 0.001, -1.0]), st.sampled_from([0.0, -1024.0, 7.5]))
    modality = draw(st.one_of(st.none(), slopes, tables(low, top)))
    ends = _outputs(modality, low, top)
    return Case(
        allocated=allocated,
        stored=stored,
        high=high,
        is_signed=is_signed,
        photometric=photometric,
        shape=draw(st.sampled_from([None, "IDENTITY", "INVERSE"])),
        values=values,
        noise=draw(st.integers(0, 1 << 30)),
        modality=modality,
        modality_level=draw(st.sampled_from(LEVELS)),
        voi=draw(_voi(*ends, is_whole=not isinstance(modality, tuple) or modality[0] in (1.0, 2.0))),
        voi_level=draw(st.sampled_from(LEVELS)),
        padding=draw(st.one_of(st.none(), st.sampled_from(values.ravel().tolist()))),
        palette=draw(st.tuples(*[tables(low, top)] * 3)) if photometric == "PALETTE COLOR" else None,
    )


def _outputs(modality: tuple[float, float] | Table | None, low: int, high: int) -> tuple[float, float]:
    if isinstance(modality, Table):
        return min(modality.entries), max(modality.entries)
    slope, intercept = modality or (1.0, 0.0)
    ends = (low * slope + intercept, high * slope + intercept)
    return min(ends), max(ends)


def _voi(low: float, high: float, *, is_whole: bool) -> st.SearchStrategy[Any]:
    """No VOI, a window, or a table where the inputs are integers of 16 bits."""
    centers = st.integers(math.floor(low), math.ceil(high)).map(float)
    widths = st.integers(1, max(2, math.ceil(high - low))).map(float)
    functions = st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"])
    choices: list[st.SearchStrategy[Any]] = [st.none(), st.tuples(centers, widths, functions)]
    if is_whole and low == int(low) and -32768 <= low and high <= (65535 if low >= 0 else 32767):
        choices.append(tables(int(low), int(high), sizes=(8, 10, 12, 16)))
    return st.one_of(choices)


def dataset(case: Case, order: str) -> FileDataset:
    """The data set of a case, its pixels and tables in a byte order."""
    words = case.words()
    ds = make_grey(words, Modality="MR", PixelRepresentation=int(case.is_signed))
    ds.PixelData = words.astype(f"{order}u{case.allocated // 8}").tobytes()
    ds.BitsStored, ds.HighBit, ds.PhotometricInterpretation = case.stored, case.high, case.photometric
    if case.shape is not None:
        ds.PresentationLUTShape = case.shape
    if "PixelPaddingValue" in ds:
        del ds.PixelPaddingValue
    if case.padding is not None:
        ds.add_new("PixelPaddingValue", "SS" if case.is_signed else "US", case.padding)
    for colour, table in zip(("Red", "Green", "Blue"), case.palette or (), strict=bool(case.palette)):
        descriptor = [len(table.entries), table.first, table.bits]
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", descriptor)
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", table.data(order))
    low, _ = _outputs(case.modality, *_value_range(case.stored, is_signed=case.is_signed))
    _place(ds, _modality_elements(case, order), case.modality_level, "PixelValueTransformationSequence", case)
    _place(ds, _voi_elements(case, order, is_signed=low < 0), case.voi_level, "FrameVOILUTSequence", case)
    return ds


def _modality_elements(case: Case, order: str) -> dict[str, Any]:
    if isinstance(case.modality, Table):
        return {"ModalityLUTSequence": Sequence([case.modality.item(order, is_signed=case.is_signed)])}
    if case.modality is None:
        return {}
    return dict(zip(("RescaleSlope", "RescaleIntercept"), case.modality, strict=True))


def _voi_elements(case: Case, order: str, *, is_signed: bool) -> dict[str, Any]:
    if isinstance(case.voi, Table):
        return {"VOILUTSequence": Sequence([case.voi.item(order, is_signed=is_signed)])}
    if case.voi is None:
        return {}
    return dict(zip(("WindowCenter", "WindowWidth", "VOILUTFunction"), case.voi, strict=True))


def _place(ds: FileDataset, elements: dict[str, Any], level: str, keyword: str, case: Case) -> None:
    """Put elements at a level; in the groups of every frame, or in the shared one."""
    if level == "data set" or not elements:
        for name, value in elements.items():
            setattr(ds, name, value)
        return
    outer = "SharedFunctionalGroupsSequence" if level == "shared" else "PerFrameFunctionalGroupsSequence"
    if outer not in ds:
        setattr(ds, outer, Sequence([Dataset() for _ in range(1 if level == "shared" else len(case.values))]))
    for group in ds[outer].value:
        item = Dataset()
        for name, value in elements.items():
            setattr(item, name, value)
        setattr(group, keyword, Sequence([item]))


def expected(case: Case, index: int) -> np.ndarray:
    """The picture of a frame, uint8."""
    frame = case.values[index]
    if case.palette is not None:
        colours = [
            [round(table.entry(value) / ((1 << table.bits) - 1) * 255) for table in case.palette]
            for value in frame.ravel().tolist()
        ]
        return np.array(colours, np.uint8).reshape(ROWS, COLUMNS, 3)
    values = [_modality(case, value) for value in frame.ravel().tolist()]
    inside = [_modality(case, value) for value in frame.ravel().tolist() if value != case.padding] or values
    greys = [_grey(case, value, min(inside), max(inside)) for value in values]
    is_inverted = case.photometric == "MONOCHROME1" or case.shape == "INVERSE"
    picture = np.array(greys).reshape(ROWS, COLUMNS)
    return (255 - picture if is_inverted else picture).astype(np.uint8)


def _modality(case: Case, value: int) -> float:
    if isinstance(case.modality, Table):
        return case.modality.entry(value)
    slope, intercept = case.modality or (1.0, 0.0)
    return value * slope + intercept


def _grey(case: Case, value: float, low: float, high: float) -> int:
    if isinstance(case.voi, Table):
        level = case.voi.entry(value) / ((1 << case.voi.bits) - 1)
    elif case.voi is None:
        level = 0.0 if high == low else (min(max(value, low), high) - low) / (high - low)
    else:
        level = _window(value, *case.voi)
    return round(min(max(level, 0.0), 1.0) * 255)


def _window(value: float, center: float, width: float, function: str) -> float:
    """C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, for outputs from 0 to 1."""
    if function == "SIGMOID":
        return 1 / (1 + math.exp(min(-4 * (value - center) / width, 700)))
    if function == "LINEAR_EXACT":
        return (value - center) / width + 0.5
    if value <= center - 0.5 - (width - 1) / 2:
        return 0.0
    if value > center - 0.5 + (width - 1) / 2:
        return 1.0
    return (value - (center - 0.5)) / (width - 1) + 0.5
