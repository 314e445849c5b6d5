"""Score the de-identification by the ten types of actions of the MIDI-B challenge (MICCAI 2024).

The set is made here: files of invented patients, with names, numbers, places, dates, private elements and
UIDs in their attributes and identifiers in their pixels, and with text and pixels that must stay. The answer
key is written with the files (`support/midi_b/plants.toml`), from PS3.15 and not from what dcm2set does. As
in the challenge, the score is the share of required actions that were done. The figures can't be compared
with those of the challenge, whose set is another one.

The tables are of the files that leave. A file that is held leaks nothing; one figure counts it as if nothing
of it had been retained. The option --quick takes fewer patients.
"""

import io
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pydicom

from benchmarks.support.midi_b.leaks import words_left
from benchmarks.support.midi_b.planted_files import PlantedFile, planted_files
from benchmarks.support.midi_b.required_actions import Action, Category
from benchmarks.support.midi_b.score import Checked, Output, checked_actions, name_of
from benchmarks.support.privacy.outcomes import PROFILES, Prepared, prepare
from benchmarks.support.report import Figure, print_table, report
from imaging.png.png_picture import decode_png

_PATIENTS, _QUICK_PATIENTS = 44, 11
_BAR = (
    97.9  # %, the least of the final scores in the challenge; of profile reader, which lets more files pass
)
_MAX_PIXELS = 10**8


def main() -> None:
    """Make the set, de-identify it with each profile, and report."""
    patients = _QUICK_PATIENTS if "--quick" in sys.argv else _PATIENTS
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        files = list(planted_files(Path(folder), patients))
        for name in PROFILES:
            figures += _scored(name, files)
    report("Score by profile", figures)


def _scored(profile: str, files: Sequence[PlantedFile]) -> Iterator[Figure]:
    prepared = [prepare(file.path, PROFILES[profile]) for file in files]
    outputs = [(file, _output(one)) for file, one in zip(files, prepared, strict=True)]
    checked = list(checked_actions([(file, output) for file, output in outputs if output is not None]))
    held = Counter(one.cause for one in prepared if one.cause is not None)
    left = Counter(word for file, output in outputs if output for word in words_left(file, output))
    print_table(f"Profile {profile}, {len(files)} files", ("held, and why", "", "files"), _rows(held))
    print_table(
        "Actions in files that leave", ("action", "category", "required", "done", "score"), _scores(checked)
    )
    print_table("Not done", ("action", "attribute", "times"), _not_done(checked))
    print_table("Identifying words left", ("word", "", "files"), _rows(left))
    yield Figure.at_least(f"{profile}: actions done in files that leave", _share(checked), _BAR, unit="%")
    of_all = _share(list(checked_actions(outputs)))
    yield Figure(f"{profile}: actions done, held files counted as lost", of_all, "%")
    yield Figure(f"{profile}: files held", 100 * held.total() / len(files), "%")
    yield Figure.at_most(f"{profile}: identifying words anywhere in what left", left.total(), 0, unit="words")


def _scores(checked: Sequence[Checked]) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[Checked]] = {}
    for one in checked:
        action, category = str(one.required.action), str(one.required.category)
        for group in ((action, category), (action, "all"), ("all", category), ("all", "all")):
            groups.setdefault(group, []).append(one)
    order = {name: index for index, name in enumerate([*Action, *Category, "all"])}
    ranked = sorted(groups, key=lambda group: [order[name] for name in group])
    return [
        (
            *group,
            str(len(groups[group])),
            str(sum(one.is_done for one in groups[group])),
            f"{_share(groups[group]):.2f} %",
        )
        for group in ranked
    ]


def _share(checked: Sequence[Checked]) -> float:
    return 100 * sum(one.is_done for one in checked) / max(1, len(checked))


def _output(prepared: Prepared) -> Output | None:
    if prepared.cause is not None:
        return None
    pictures = [decode_png(png, max_pixels=_MAX_PIXELS) for png in prepared.pngs]
    return Output(pydicom.dcmread(io.BytesIO(prepared.dicom)), pictures, prepared.document.decode())


def _not_done(checked: Sequence[Checked]) -> list[tuple[str, str, str]]:
    """By attribute, never by value."""
    counted = Counter(
        (str(one.required.action), name_of(one.required.place)) for one in checked if not one.is_done
    )
    return [(action, place, str(number)) for (action, place), number in sorted(counted.items())]


def _rows(held: Counter[str]) -> list[tuple[str, str, str]]:
    return [(cause, "", str(number)) for cause, number in sorted(held.items())]


if __name__ == "__main__":
    main()
