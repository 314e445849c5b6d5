"""Texts drawn into the pictures of the measured half, each sent through the product in three ways."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.support.privacy.outcomes import (
    PROFILES,
    Outcome,
    Rectangle,
    class_outcome,
    outcome_of,
    prepare,
)
from benchmarks.support.privacy.picture_files import patient_of_text, write_picture
from benchmarks.support.privacy.watched_reader import WatchedReader, no_reader_installed
from deidentification.profile import Profile
from model.text_detector.drawing import Drawn
from model.text_detector.fonts.designs import Half
from model.text_detector.pictures import sources
from model.text_detector.variants import Variant, variants

CLASS, DETECTOR, READER = "class", "class and detector", "class, detector and reader"
WAYS = (CLASS, DETECTOR, READER)
_SEED = 19
_COMPLETE = 1 << 20  # pixels of a piece: no picture has a longer side

GROUPS: dict[str, Callable[[Variant], str]] = {
    "modality": lambda variant: variant.source.modality,
    "place": lambda variant: variant.place,
    "modality and place": lambda variant: f"{variant.source.modality}, {variant.place}",
    "size": lambda variant: f"{variant.size:02} pixels",
    "style": lambda variant: variant.style,
    "turned": lambda variant: f"{90 * variant.quarter_turns}°",
    "kind of font": lambda variant: variant.design.kind.value,
    "font": lambda variant: variant.design.name,
    "source": lambda variant: variant.source.name,
}


@dataclass(frozen=True)
class Measured:
    """One drawn text and its outcomes."""

    variant: Variant  # without its picture
    outcomes: dict[tuple[str, str], Outcome]  # by way and profile


def measured_texts(
    count: int, folder: Path, reader: WatchedReader, *, largest: int, half: Half = Half.MEASURED
) -> Iterator[Measured]:
    """Draw `count` texts into the pictures of each source, as far as there is room and they are legible.

    Pictures with more pixels than `largest` are left out.
    """
    for source in sources(half):
        small = tuple(
            picture for picture in source.pictures if picture.shape[0] * picture.shape[1] <= largest
        )
        if not small:
            continue
        for variant in variants(replace(source, pictures=small), half, count, _SEED, piece=_COMPLETE):
            if variant.drawn is not None and not variant.lacks:
                yield _measured(variant, variant.drawn, folder / "text.dcm", reader)
        reader.forget()


def _measured(variant: Variant, drawn: Drawn, path: Path, reader: WatchedReader) -> Measured:
    write_picture(path, drawn.picture, variant.source.modality, patient_of_text(variant.text))
    outcomes: dict[tuple[str, str], Outcome] = {}
    by_detector: Outcome | None = None  # the same in each profile: without a reader nothing is blanked
    for name, profile in PROFILES.items():
        by_class = class_outcome(path, profile, drawn.ink)
        outcomes |= {(way, name): by_class for way in WAYS}
        if by_class is Outcome.HELD_BY_CLASS:  # then it is held, whatever is found in its picture
            continue
        if by_detector is None:
            with no_reader_installed():
                by_detector = outcome_of(prepare(path, profile), drawn.ink)
        outcomes[DETECTOR, name] = by_detector
        with reader.installed():
            outcomes[READER, name] = _outcome_with_reader(path, profile, drawn.ink)
    record = replace(variant, drawn=None, source=replace(variant.source, pictures=()))
    return Measured(record, outcomes)


def _outcome_with_reader(path: Path, profile: Profile, ink: Rectangle) -> Outcome:
    """The outcome; a text that was blanked counts as found if the file is then held for another text."""
    outcome = outcome_of(prepare(path, profile), ink)
    if outcome is Outcome.HELD_ELSEWHERE and profile.identifying_text == "blank":
        return outcome_of(prepare(path, replace(profile, identifying_text="hold")), ink)
    return outcome
