"""The tables and figures of the benchmark of texts drawn into pictures."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from benchmarks.support.privacy.clean_files import CleanPicture, PackageFile
from benchmarks.support.privacy.drawn_texts import CLASS, DETECTOR, GROUPS, READER, WAYS, Measured
from benchmarks.support.privacy.outcomes import PROFILES, Outcome
from benchmarks.support.report import Figure, print_table

_FEWEST_TEXTS, _ALL, _WORST = 1000, 97.0, 90.0
_CLEAN_HELD, _READER_ASKED, _FILES_HELD = 2.0, 10.0, 35.0
_ASKED_COLUMNS = [(CLASS, "default"), (DETECTOR, "default"), (READER, "default"), (READER, "reader")]


def left_readable(texts: Iterable[Measured], way: str, profile: str) -> float:
    """The percentage of texts that leave readable, or are held by luck alone."""
    return percentage(not text.outcomes[way, profile].is_safe for text in texts)


def percentage(values: Iterable[bool]) -> float:
    """The percentage of true values, 0 if there are none."""
    listed = list(values)
    return 100 * sum(listed) / max(1, len(listed))


def print_texts(texts: Sequence[Measured]) -> None:
    """Print what would leave readable: over all by way and profile, and by group."""
    rows = [
        (way, "", *(f"{left_readable(texts, way, profile):.1f} %" for profile in PROFILES)) for way in WAYS
    ]
    print_table(f"Of {len(texts)} drawn texts would leave readable", ("gate", "", *PROFILES), rows)
    header = ("by", "", "texts", "class", "+ detector", "+ reader", "profile reader")
    print_table("The same by kind", header, list(_by_group(texts)))
    outcomes = Counter((way, name, str(text.outcomes[way, name])) for text in texts for way, name in _cells())
    rows = [(f"{way}, profile {name}", what, str(number)) for (way, name, what), number in outcomes.items()]
    print_table("Outcomes", ("gate", "outcome", "texts"), sorted(rows))


def _cells() -> Iterator[tuple[str, str]]:
    return ((way, name) for way in WAYS for name in PROFILES)


def _by_group(texts: Sequence[Measured]) -> Iterator[tuple[str, ...]]:
    for group, key in GROUPS.items():
        for value, members in sorted(_grouped(texts, key).items()):
            shares = [left_readable(members, way, profile) for way, profile in _ASKED_COLUMNS]
            yield group, value, str(len(members)), *(f"{share:.1f} %" for share in shares)


def _grouped(texts: Sequence[Measured], key: Callable[..., str]) -> dict[str, list[Measured]]:
    groups: dict[str, list[Measured]] = defaultdict(list)
    for text in texts:
        groups[key(text.variant)].append(text)
    return groups


def text_figures(texts: Sequence[Measured], *, has_bars: bool) -> Iterator[Figure]:
    """How many texts don't leave readable: over all, in the worst modality, over anatomy."""
    yield Figure.at_least("texts", len(texts), _FEWEST_TEXTS if has_bars else None, unit="texts")
    modalities = _grouped(texts, GROUPS["modality"])
    places = _grouped(texts, GROUPS["place"])
    for profile in PROFILES:
        shares = {name: 100 - left_readable(listed, READER, profile) for name, listed in modalities.items()}
        worst = min(shares, key=lambda name: shares[name])
        for name, share, bar in (
            ("all", 100 - left_readable(texts, READER, profile), _ALL),
            (f"the worst modality, {worst}", shares[worst], _WORST),
            ("over anatomy", 100 - left_readable(places["anatomy"], READER, profile), _WORST),
        ):
            title = f"not passed readable, profile {profile}: {name}"
            yield Figure.at_least(title, share, bar if has_bars else None, unit="%")
        by_luck = percentage(text.outcomes[READER, profile] is Outcome.HELD_ELSEWHERE for text in texts)
        yield Figure(f"held only for something else in the picture, profile {profile}", by_luck, "%")


def print_clean(pictures: Sequence[CleanPicture], files: Sequence[PackageFile]) -> None:
    """Print which pictures without text are held for text, and which test files are held and why."""
    rows = []
    for modality in sorted({picture.modality for picture in pictures}):
        listed = [picture for picture in pictures if picture.modality == modality]
        asked, held = sum(one.is_reader_asked for one in listed), sum(one.is_held_for_text for one in listed)
        rows.append((modality, "", *map(str, (_sources(listed), len(listed), asked, held))))
    header = ("modality", "", "sources", "pictures", "reader asked", "held for text")
    print_table("Pictures without text, profile reader", header, rows)
    held_sources = sorted({picture.source for picture in pictures if picture.is_held_for_text})
    print(f"Held for text: {', '.join(held_sources) or 'none'}\n")
    causes = Counter(
        (file.package, name, cause or "passes") for file in files for name, cause in file.causes.items()
    )
    table = [(f"{package}, {name}", cause, str(number)) for (package, name, cause), number in causes.items()]
    print_table("Test files that can be decoded", ("package, profile", "cause", "files"), sorted(table))


def clean_figures(
    pictures: Sequence[CleanPicture], files: Sequence[PackageFile], *, has_bars: bool
) -> Iterator[Figure]:
    """How many sources without text are held for text, how often the reader is asked, what else is held."""
    held = _sources([picture for picture in pictures if picture.is_held_for_text])
    for name, value, bar in (
        ("sources without text held for text", 100 * held / max(1, _sources(pictures)), _CLEAN_HELD),
        (
            "pictures without text the reader reads",
            percentage(p.is_reader_asked for p in pictures),
            _READER_ASKED,
        ),
    ):
        yield Figure.at_most(name, value, bar if has_bars else None, unit="%")
    bars: dict[str, float | None] = {"reader": _FILES_HELD, "default": None}
    for profile, most in bars.items():
        share = percentage(file.causes[profile] is not None for file in files if file.package == "pydicom")
        title = f"pydicom's test files held, profile {profile}"
        yield Figure.at_most(title, share, most if has_bars else None, unit="%")


def _sources(pictures: Iterable[CleanPicture]) -> int:
    return len({picture.source for picture in pictures})


def cost_figures(detector: dict[str, float], reader: Sequence[float]) -> Iterator[Figure]:
    """CPU milliseconds of the detector by size of picture, and of the reader for a box."""
    for (name, value), bar in zip(detector.items(), (5, 30), strict=True):
        yield Figure.at_most(f"detector, {name} pixels, median", value, bar, unit="ms")
    if reader:
        yield Figure("reader, one box, median", 1000 * median(reader), "ms")
        yield Figure("reader, one box, most", 1000 * max(reader), "ms")
