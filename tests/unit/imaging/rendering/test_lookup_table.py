"""Values are looked up in tables."""

import numpy as np
import pytest

from imaging.rendering.lookup_table import look_up


@pytest.mark.parametrize("index_dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("entry_dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("entries", [1, 100, 256])
def test_each_value_gets_its_entry(
    index_dtype: type[np.integer], entry_dtype: type[np.integer], entries: int
) -> None:
    """The result is what indexing gives, also of a table for the occurring values only."""
    random = np.random.default_rng(entries)
    table = random.integers(0, np.iinfo(entry_dtype).max, entries, entry_dtype, endpoint=True)
    indices = random.integers(0, entries, (40, 30)).astype(index_dtype)
    np.testing.assert_array_equal(table[indices], look_up(table, indices), strict=True)


def test_part_of_a_read_only_frame_is_looked_up() -> None:
    """Neither the memory order of the indices nor their protection matters."""
    frame = np.frombuffer(np.arange(200, dtype=np.uint16).tobytes(), np.uint16).reshape(10, 20)
    table = np.arange(1000, 0, -1, dtype=np.uint16)
    part = frame[::2, 3:].T
    np.testing.assert_array_equal(table[part], look_up(table, part), strict=True)
