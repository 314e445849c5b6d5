"""Text that is written as binary numbers, which are letters to whoever reads the bytes."""

import struct

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deidentification.letters_in_numbers import are_letters, bytes_of
from tests.support.factories import make_dataset
from tests.unit.deidentification.header.cleaned import cleaned

# An attribute of each VR, and the format of its numbers.
NUMBERS = {
    "AcquisitionDuration": ("FD", "d", 1),
    "RealWorldValueLUTData": ("FD", "d", 3),
    "FieldOfViewDimensionsInFloat": ("FL", "f", 2),
    "AcquisitionMatrix": ("US", "H", 4),
}


def with_text(keyword: str, text: bytes, name: str, *, is_big: bool = False) -> Dataset:
    """A file with the bytes of a text as numbers."""
    vr, kind, number = NUMBERS[keyword]
    size = struct.calcsize(kind) * number
    values = list(struct.unpack(f"{'>' if is_big else '<'}{number}{kind}", (text * 9)[:size]))
    ds = make_dataset(PatientName=name)
    ds.add_new(keyword, vr, values if number > 1 else values[0])
    return ds


@pytest.mark.parametrize("keyword", NUMBERS)
@pytest.mark.parametrize("is_big", [False, True])
def test_text_as_binary_numbers_is_removed(keyword: str, is_big: bool) -> None:
    """Numbers that are nothing but letters go, whoever is named, in both orders of bytes."""
    assert keyword not in cleaned(with_text(keyword, b"OTHERPERSON", "Doe^Jane", is_big=is_big))


@pytest.mark.parametrize("keyword", NUMBERS)
@pytest.mark.parametrize("is_big", [False, True])
def test_a_name_among_other_bytes_is_removed(keyword: str, is_big: bool) -> None:
    """A name of the patient of four letters is found between bytes that are no letters."""
    assert keyword not in cleaned(with_text(keyword, b"Jane\x01\x02\x03\x40", "Doe^Jane", is_big=is_big))


def test_an_id_in_the_bytes_of_a_number_is_removed() -> None:
    """The digits of an id are found in the same way."""
    ds = make_dataset(PatientID="12345678")
    ds.add_new("AcquisitionMatrix", "US", list(struct.unpack("<4H", b"12345678")))
    assert "AcquisitionMatrix" not in cleaned(ds)


def test_a_name_in_entries_of_a_table_that_no_pixel_has_is_removed() -> None:
    """A name within a described look-up table removes the table; tables of numbers stay."""
    entries = np.arange(4096, dtype="<u2").tobytes()
    for data, is_kept in ((entries[:-18] + b"Mustermann^Erika\0\0", False), (entries, True)):
        item = Dataset()
        item.LUTDescriptor = [4096, 0, 16]
        item.add_new("LUTData", "OW", data)
        kept = cleaned(make_dataset(PatientName="Mustermann^Erika", VOILUTSequence=Sequence([item])))
        assert is_kept == ("LUTData" in kept.VOILUTSequence[0])


@pytest.mark.parametrize(
    ("vr", "values"),
    [
        ("FD", [1000.0, 0.1, -1e-5, 65535.0, 3.7e8, 1e88, 131072.0]),
        ("FL", [512.0, 0.5, 1e10]),
        ("US", [256, 0, 0, 256]),
        ("US", [0x4141, 0, 0, 0x4141]),
        ("UL", [1094795585]),
    ],
)
def test_numbers_that_are_no_text_stay(vr: str, values: list[float]) -> None:
    """Common numbers have bytes that are no letters."""
    data = bytes_of(values, vr)
    assert len(data) >= 2 * len(values)
    assert not are_letters(data, len(values))


def test_random_numbers_are_hardly_ever_text() -> None:
    """Of 100,000 measurements none has the bytes of a text."""
    random = np.random.default_rng(1)
    for values in (random.uniform(-2000, 100_000, 50_000), random.normal(0, 1e4, 50_000)):
        assert not any(are_letters(bytes_of([value], "FD"), 1) for value in values.tolist())
