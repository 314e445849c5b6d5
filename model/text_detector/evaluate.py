"""Measure the detector and the reader on the measured half: ``python -m model.text_detector.evaluate``.

Texts are drawn from fixed seeds with fonts and into pictures of patients that nothing was trained or chosen
on. Only times and memory differ from run to run.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import click

from model.text_detector.figures import clean_figures, cost_figures, found_figures, reader_figures
from model.text_detector.fonts.designs import Half

TEXTS = 60
"""Drawn for each patient."""
TEXTS_READ = 12
"""Of these patients' texts, drawn from other seeds, that the reader is given."""

_LOADING = """
import json, time
start = time.perf_counter()

def peak_megabytes():
    with open("/proc/self/status", encoding="ascii") as status:
        return round(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1e3)

import numpy as np
from deidentification.pixels.text.text_detector import find_text
picture = np.zeros((64, 256), np.uint8)
picture[20:44:3, 20:236:5] = 255
boxes = find_text(picture, -9.0)
found, before = time.perf_counter(), peak_megabytes()
from deidentification.pixels.text.text_reader import read_boxes
read_boxes(picture, boxes[:1])
print(json.dumps({
    "seconds until a first picture is searched": round(found - start, 2),
    "further seconds until a first box is read": round(time.perf_counter() - found, 2),
    "peak megabytes without the reader": before,
    "peak megabytes with the reader": peak_megabytes(),
}))
"""


def measure(half: Half = Half.MEASURED, texts: int = TEXTS, texts_read: int = TEXTS_READ) -> dict[str, Any]:
    """All figures, ready for JSON."""
    found, _ = found_figures(half, texts)
    return {
        "half": half.value,
        "drawn texts that are found": found,
        "pictures without text": clean_figures(half),
        "reader, of texts that are found": reader_figures(half, texts_read),
        "CPU milliseconds of the detector": cost_figures(half),
        "loading": loading(),
    }


def loading() -> dict[str, float]:
    """What a fresh process needs for the detector and the reader."""
    root = Path(__file__).parents[2]
    done = subprocess.run(  # noqa: S603 - a fixed list of arguments
        [sys.executable, "-c", _LOADING], cwd=root, capture_output=True, text=True, check=True
    )
    return cast("dict[str, float]", json.loads(done.stdout))


@click.command()
@click.option("--half", type=click.Choice([half.value for half in Half]), default=Half.MEASURED.value)
@click.option("--texts", default=TEXTS, show_default=True, help="Texts to draw for each patient.")
@click.option("--texts-read", default=TEXTS_READ, show_default=True, help="Texts to read for each patient.")
def main(half: str, texts: int, texts_read: int) -> None:
    """Print the detector's and the reader's figures as JSON."""
    click.echo(json.dumps(measure(Half(half), texts, texts_read), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
