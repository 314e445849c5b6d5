"""How many requests a sweep sends to a function at a time."""

import pytest

from common.settings import Settings
from functions.sweep.resend import concurrent_requests


@pytest.mark.parametrize(
    ("workers", "at_a_time", "expected"), [(None, 2, 4), (1, 2, 4), (8, 2, 16), (2, 5, 10)]
)
def test_as_many_requests_as_slots(workers: int | None, at_a_time: int, expected: int) -> None:
    """As many as the processes have slots, at least four; four if the number of processes is not set."""
    assert expected == concurrent_requests(Settings(workers=workers, at_a_time=at_a_time))
