"""The figures of the benchmark of texts in pictures."""

from dataclasses import replace

import pytest

from benchmarks.support.privacy.clean_files import CleanPicture
from benchmarks.support.privacy.drawn_texts import READER, WAYS, Measured
from benchmarks.support.privacy.outcomes import PROFILES, Outcome
from benchmarks.support.privacy.tables import clean_figures, left_readable, text_figures
from model.text_detector.fonts.designs import Half, designs
from model.text_detector.variants import Variant
from model.training.sources.corpus import Source

CT = Source("CT one", "", "", (), (), "CT")
MR = Source("MR one", "", "", (), (), "MR")


def measured(source: Source, place: str, outcome: Outcome) -> Measured:
    """A text with the same outcome in every way."""
    variant = Variant(source, designs(Half.MEASURED)[0], 10, "white", 0, smooth=False, place=place)
    return Measured(variant, {(way, name): outcome for way in WAYS for name in PROFILES})


TEXTS = [
    *[measured(CT, "background", Outcome.BLANKED)] * 4,
    *[measured(MR, "anatomy", Outcome.HELD_FOR_TEXT)] * 3,
    measured(MR, "anatomy", Outcome.READABLE),
    measured(MR, "background", Outcome.HELD_ELSEWHERE),
    measured(CT, "background", Outcome.HELD_BY_CLASS),
]


def test_texts_that_are_readable_or_held_by_luck_are_counted() -> None:
    """Held for the text or the class, and blanked, are safe; nothing else is."""
    assert 20 == left_readable(TEXTS, READER, "default")


def test_the_worst_modality_and_anatomy_are_told() -> None:
    """The shares are of the texts in the same modality or place."""
    figures = {figure.name: figure.value for figure in text_figures(TEXTS, has_bars=False)}
    assert 80 == figures["not passed readable, profile default: all"]
    assert 60 == figures["not passed readable, profile default: the worst modality, MR"]
    assert 75 == figures["not passed readable, profile default: over anatomy"]
    assert 10 == figures["held only for something else in the picture, profile default"]


def test_bars_are_judged_if_they_are_asked_for() -> None:
    """A small sample is not compared with the bars."""
    barred = [figure.verdict for figure in text_figures(TEXTS, has_bars=True) if figure.bar]
    assert ["MISSED"] * len(barred) == barred
    assert len(barred) == 7
    assert not [figure for figure in text_figures(TEXTS, has_bars=False) if figure.bar]


def test_a_source_is_held_if_one_of_its_pictures_is() -> None:
    """Held sources are counted by source, requests to the reader by picture."""
    clean = CleanPicture("CT", "one", is_reader_asked=False, is_held_for_text=False)
    pictures = [
        clean,
        replace(clean, is_reader_asked=True, is_held_for_text=True),
        replace(clean, source="two"),
        replace(clean, source="three", is_reader_asked=True),
    ]
    figures = {figure.name: figure.value for figure in clean_figures(pictures, [], has_bars=True)}
    assert pytest.approx(100 / 3) == figures["sources without text held for text"]
    assert 50 == figures["pictures without text the reader reads"]
