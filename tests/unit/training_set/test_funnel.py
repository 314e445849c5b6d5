"""The funnel: every image is left out once or in the set, so that the sums close."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from training_set.selection.selection import asks_for_labels, full_selection
from training_set.versions.funnel import funnel_of_images


def rows() -> Iterator[dict[str, Any]]:
    """A row of every kind, each with another number of images, also of a verdict yet to come."""
    verdicts = (None, "good", "black", "low_quality", "review", "another")
    kinds = product(verdicts, (True, False), (True, False), (True, False), (True, False))
    for number, (verdict, is_stored, is_localizer, is_labelled, is_selected) in enumerate(kinds, start=1):
        yield {
            "verdict": verdict,
            "is_stored": is_stored,
            "is_localizer": is_localizer,
            "is_labelled": is_labelled,
            "is_selected": is_selected and is_stored,
            "images": number,
        }


@pytest.mark.parametrize("asks", [True, False])
def test_the_sums_close(asks: bool) -> None:
    """Each step is the last one less what it leaves out, and the end is what was selected less duplicates."""
    found = funnel_of_images(rows(), asks_for_labels=asks, left_out=["near-equal"] * 3)
    assert sum(row["images"] for row in rows()) == found["found"]
    remaining = found["found"]
    for step in found["steps"]:
        remaining -= sum(step["left_out"].values())
        assert remaining == step["images"]
    assert sum(row["images"] for row in rows() if row["is_selected"]) - 3 == remaining
    assert {"near-equal": 3} == found["steps"][-1]["left_out"]
    assert asks == ("labelled" in [step["step"] for step in found["steps"]])


def test_every_verdict_is_a_cause_of_its_own() -> None:
    """Verdicts are counted by name, also one that this version does not know."""
    found = funnel_of_images(rows(), asks_for_labels=False, left_out=[])
    assert {"another", "black", "low_quality", "review"} == found["steps"][1]["left_out"].keys()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", False),
        ("modality = 'CR'", False),
        ("label('Effusion') = 1", True),
        ("labels >= 1", True),
        ("modality = 'CR' and not annotators('x') > 1", True),
        ("annotators > 1", True),
    ],
)
def test_a_selection_may_ask_for_labels(where: str, expected: bool) -> None:
    """Only a condition on labels makes images without a label a cause of their own."""
    assert expected is asks_for_labels(full_selection(where))
