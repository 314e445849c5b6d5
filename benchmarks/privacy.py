"""Measure which texts drawn into pictures the gate for burned-in text lets pass readable.

Names, dates and numbers are drawn into real pictures, in fonts and pictures that the text detector was not
tuned on. Each picture is written as a DICOM file of a patient with these words and prepared as `extract`
does. A text is not passed readable if its file is held, or if its place is black in the PNG and in the
DICOM file. In pictures that hold other text, a file held only for that one counts as passed.
Three gates are compared: the class rules alone; with the detector, as on a machine without a reader; and
with the reader. The option --quick takes a small sample, of small pictures only.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.support.privacy.clean_files import clean_pictures, package_files
from benchmarks.support.privacy.drawn_texts import measured_texts
from benchmarks.support.privacy.tables import (
    clean_figures,
    cost_figures,
    print_clean,
    print_texts,
    text_figures,
)
from benchmarks.support.privacy.watched_reader import WatchedReader
from benchmarks.support.report import report
from model.text_detector import figures
from model.text_detector.fonts.designs import Half

_TEXTS_OF_A_SOURCE, _LARGEST = 46, 10**8  # pixels
_QUICK_TEXTS_OF_A_SOURCE, _QUICK_LARGEST, _QUICK_EVERY = 2, 66_000, 20


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    count = _QUICK_TEXTS_OF_A_SOURCE if is_quick else _TEXTS_OF_A_SOURCE
    largest = _QUICK_LARGEST if is_quick else _LARGEST
    reader = WatchedReader()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = list(measured_texts(count, folder, reader, largest=largest))
        print_texts(texts)
        pictures = list(clean_pictures(folder, reader, largest=largest))
        files = list(package_files(reader, every=_QUICK_EVERY if is_quick else 1))
        print_clean(pictures, files)
    detector = {name: cost["median"] for name, cost in figures.cost_figures(Half.MEASURED).items()}
    measured = [
        *text_figures(texts, has_bars=not is_quick),
        *clean_figures(pictures, files, has_bars=not is_quick),
        *cost_figures(detector, reader.seconds),
    ]
    report("Texts in pictures", measured)


if __name__ == "__main__":
    main()
