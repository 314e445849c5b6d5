"""When the sweep counts the verdicts of the week."""

import pytest

from common.errors import DependencyAwayError
from functions.sweep.quality_weeks import QualityWeeks


class CountingDatabase:
    """Counts the calls; fails if told to."""

    def __init__(self, *, fails: bool) -> None:
        self.fails, self.calls = fails, 0

    def one(self, _query: str, **_values: object) -> None:
        self.calls += 1
        if self.fails:
            raise DependencyAwayError("The database does not answer.")


@pytest.mark.parametrize("fails", [False, True])
def test_verdicts_are_counted_once_in_a_while(fails: bool) -> None:
    """A sweep counts when it is due, also after a failure, which does not end the sweep."""
    database = CountingDatabase(fails=fails)
    weeks = QualityWeeks(database)  # type: ignore[arg-type]
    weeks.step()
    weeks.step()
    assert 1 == database.calls
    weeks.next_at = 0
    weeks.step()
    assert 2 == database.calls
