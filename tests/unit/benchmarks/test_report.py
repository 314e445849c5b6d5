"""A benchmark says that a bar is missed only if its rounds can tell."""

import pytest

from benchmarks.run_all import section
from benchmarks.support.report import Figure, of_rounds


@pytest.mark.parametrize(
    ("value", "rounds", "verdict"),
    [
        (2.1, [1.9, 2.1, 2.3], "holds"),
        (1.9, [1.8, 1.9, 2.3], "too few to tell"),
        (1.9, [1.8, 1.9, 1.95], "MISSED"),
        (1.9, [1.9], "too few to tell"),
        (1.9, [], "MISSED"),
        # Of many rounds a single one that reaches the bar tells nothing.
        (1.9, [1.9] * 20 + [2.5], "MISSED"),
    ],
)
def test_a_miss_is_larger_than_the_spread(value: float, rounds: list[float], verdict: str) -> None:
    """A bar between two rounds is neither held nor missed."""
    assert verdict == Figure.at_least("speed", value, 2, rounds=rounds).verdict
    mirrored = Figure.at_most("cost", -value, -2, rounds=[-each for each in rounds])
    assert verdict == mirrored.verdict


def test_ratios_are_those_of_single_rounds() -> None:
    """Both were measured by turns, so a slow round slows both."""
    assert [2.0, 2.0] == of_rounds([4, 8], [2, 4])
    with pytest.raises(ValueError, match="shorter"):
        of_rounds([1, 2], [1])


def test_the_page_has_what_has_a_bar() -> None:
    """Each line has the figure, its spread, the bar and the verdict."""
    barred = Figure.at_least("ours over theirs", 1.9, 2, rounds=[1.8, 1.9, 2.3])
    written = {"title": "Two loops", "figures": [vars(Figure("ours", 3.0, "s")), vars(barred)]}
    title, line, end = section(written, 0.03).split("\n")
    assert "Two loops (noise 3 %)" == title
    assert ["ours", "over", "theirs", "1.900", "x", "1.8", "to", "2.3", ">=", "2"] == line.split()[:10]
    assert line.endswith("too few to tell")
    assert "" == end
    assert "ours" in section({"title": "t", "figures": [vars(Figure("ours", 3.0, "s"))]}, 0)
