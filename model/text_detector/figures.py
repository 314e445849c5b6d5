"""Figures of the detector and the reader on one half of the pictures and fonts."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from deidentification.pixels.text.arrays import Bytes
from deidentification.pixels.text.text_detector import find_text
from deidentification.pixels.text.text_reader import read_boxes
from model.text_detector.fonts.designs import Half
from model.text_detector.pictures import SOURCES_WITH_TEXT, other_files, sources
from model.text_detector.variants import Variant, boxes_at, covered, variants

FOUND_FROM = 0.5
"""The part of a text's rectangle that boxes must cover for it to be found."""
_GROUPS: dict[str, Callable[[Variant], str]] = {
    "modality": lambda variant: variant.source.modality,
    "place": lambda variant: variant.place,
    "modality and place": lambda variant: f"{variant.source.modality}, {variant.place}",
    "size": lambda variant: f"{variant.size:02}",
    "style": lambda variant: variant.style,
    "turned": lambda variant: f"{90 * variant.quarter_turns}",
    "smooth": lambda variant: "yes" if variant.smooth else "no",
    "kind of font": lambda variant: variant.design.kind.value,
    "font": lambda variant: variant.design.name,
    "source": lambda variant: variant.source.name,
}
_MOST_BOXES_READ = 3
_RUNS = 5

Outcome = tuple[Variant, bool]


def found_figures(half: Half, count: int) -> tuple[dict[str, Any], list[Variant]]:
    """Which drawn texts are found, over all and by group; and those that are missed."""
    outcomes: list[Outcome] = []
    left_out: dict[str, int] = defaultdict(int)
    for source in sources(half):
        for variant in variants(source, half, count, 7):
            if variant.drawn is None or variant.lacks:
                left_out[variant.lacks] += 1
                continue
            boxes = find_text(variant.drawn.picture)
            outcomes.append((variant, covered(boxes, variant.drawn.ink) >= FOUND_FROM))
    figures = {"all": _share(found for _, found in outcomes), "left out": dict(left_out)}
    figures |= {name: _by_group(outcomes, key) for name, key in _GROUPS.items()}
    return figures, [variant for variant, found in outcomes if not found]


def _by_group(outcomes: Sequence[Outcome], key: Callable[[Variant], str]) -> dict[str, Any]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for variant, found in outcomes:
        groups[key(variant)].append(found)
    return {name: _share(groups[name]) for name in sorted(groups)}


def _share(values: Iterable[bool]) -> dict[str, Any]:
    listed = list(values)
    return {"of": len(listed), "yes": sum(listed), "share": round(sum(listed) / max(1, len(listed)), 4)}


def clean_pictures(half: Half) -> list[tuple[str, str, Bytes]]:
    """Modality, source and picture of everything without text; for the measured half also other files."""
    clean = [
        (source.modality, source.name, picture)
        for source in sources(half)
        if source.name not in SOURCES_WITH_TEXT
        for picture in source.pictures
    ]
    others = other_files() if half is Half.MEASURED else ()
    return clean + [("other files of pydicom", name, picture) for name, picture in others]


def clean_figures(half: Half) -> dict[str, Any]:
    """On how many pictures without text the detector fires, and in how many the reader tells text."""
    fires: dict[str, list[bool]] = defaultdict(list)
    modalities: dict[str, list[bool]] = defaultdict(list)
    told: dict[str, list[str]] = {}
    for modality, name, picture in clean_pictures(half):
        boxes = find_text(picture)
        fires[name].append(bool(boxes))
        modalities[modality].append(bool(boxes))
        if texts := [read.text for read in read_boxes(picture, boxes) if read.is_text]:
            told[f"{name}, picture {len(fires[name])}"] = texts
    every = [fired for listed in fires.values() for fired in listed]
    return {
        "pictures on which it fires": _share(every),
        "sources with such pictures": _share(any(listed) for listed in fires.values()),
        "by modality": {name: _share(listed) for name, listed in sorted(modalities.items())},
        "by source": {name: _share(listed) for name, listed in fires.items() if any(listed)},
        "pictures the reader tells text in": {"of": sum(every), "yes": len(told), "what": told},
    }


def reader_figures(half: Half, count: int) -> dict[str, Any]:
    """Which of the texts that are found the reader tells as text, and what a box costs."""
    outcomes: list[Outcome] = []
    three_right: list[bool] = []
    times: list[float] = []
    for source in sources(half):
        for variant in variants(source, half, count, 11):
            if variant.drawn is None or variant.lacks:
                continue
            boxes = boxes_at(find_text(variant.drawn.picture), variant.drawn.ink)[:_MOST_BOXES_READ]
            if not boxes:
                continue
            start = time.thread_time()
            read = read_boxes(variant.drawn.picture, boxes)
            times.append((time.thread_time() - start) / len(boxes) * 1e3)
            outcomes.append((variant, any(text.is_text for text in read)))
            three_right.append(any(_three_in_a_row(variant.text, text.text) for text in read))
    return {
        "told as text": _share(told for _, told in outcomes),
        "three characters in a row right": _share(three_right),
        "CPU milliseconds a box": {
            "median": round(float(np.median(times))),
            "90 %": round(float(np.percentile(times, 90))),
        },
        **{
            name: _by_group(outcomes, _GROUPS[name])
            for name in ("modality", "place", "size", "style", "turned")
        },
    }


def _three_in_a_row(drawn: str, read: str) -> bool:
    drawn, read = drawn.upper().replace(" ", ""), read.upper().replace(" ", "")
    return any(drawn[start : start + 3] in read for start in range(len(drawn) - 2))


def cost_figures(half: Half) -> dict[str, Any]:
    """CPU milliseconds of the detector for pictures of 512² and for pieces of 2048² of larger ones."""
    return {f"{side} x {side}": _cost(half, side) for side in (512, 2048)}


def _cost(half: Half, side: int) -> dict[str, Any]:
    times: dict[str, float] = {}
    for source in sources(half):
        for picture in source.pictures[:1]:
            rows, columns = picture.shape[:2]
            if min(rows, columns) < side or (side == 512 and max(rows, columns) > side):
                continue
            top, left = (rows - side) // 2, (columns - side) // 2
            times[source.name] = _milliseconds(picture[top : top + side, left : left + side])
    values = list(times.values())
    return {
        "median": round(float(np.median(values)), 1),
        "most": round(max(values), 1),
        "by source": {name: round(value, 1) for name, value in times.items()},
    }


def _milliseconds(picture: Bytes) -> float:
    piece, runs = np.ascontiguousarray(picture), []
    for _ in range(_RUNS):
        start = time.thread_time()
        find_text(piece)
        runs.append((time.thread_time() - start) * 1e3)
    return float(np.median(runs))
