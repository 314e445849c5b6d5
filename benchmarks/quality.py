"""Measure the quality check on one CPU, from a PNG's bytes to the verdict.

The PNGs are written as extract writes them, and the process has the environment of the function's workers.
The check runs in turn with two lower bounds: the same PNG decoded by Pillow and smoothed once by a Gaussian
filter (the floor), and decoding alone.
"""

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common.process.native_libraries import ENVIRONMENT

if not ENVIRONMENT.items() <= os.environ.items():  # libraries read it when the process starts
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | ENVIRONMENT)  # noqa: S606

import numpy as np
from PIL import Image
from pydicom.data import get_testdata_file
from scipy.ndimage import gaussian_filter

from benchmarks.support.report import Figure, report
from functions.extract.png_frames import encode_png
from imaging.frames.image_file import read_image_file
from imaging.options import Limits
from imaging.png.png_picture import decode_png
from imaging.rendering.picture_recipe import PictureRecipe
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from model.judgement import Judge

_BARS = {512: 250, 2048: 55}  # images a second
_MAX_PIXELS = 10**8


def main() -> None:
    """Measure and report."""
    rounds = 10 if "--quick" in sys.argv else 60
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    model = load_quality_model(DEFAULT_MODEL)
    judge = Judge(model, black_mean=3)

    def decode(body: bytes) -> Any:
        return decode_png(body, max_pixels=_MAX_PIXELS)

    def check(body: bytes) -> None:
        judge.judge(decode(body), modality="MR")

    bodies = {side: _png(side) for side in _BARS}
    times = _interleaved({"check": check, "decode": decode, "floor": _floor}, bodies, rounds)
    small, large = (times["check", side] for side in bodies)
    figures = [
        Figure.at_least("512 x 512: PNG to verdict", 1 / small, _BARS[512], unit="images/s"),
        Figure("512 x 512: floor, PNG decoded and one Gaussian filter", 1 / times["floor", 512], "images/s"),
        Figure.at_least("2048 x 2048: PNG to verdict", 1 / large, _BARS[2048], unit="images/s"),
        Figure("2048 x 2048: floor", 1 / times["floor", 2048], "images/s"),
        Figure("512 x 512: decoding alone", 1000 * times["decode", 512], "ms"),
        Figure("2048 x 2048: decoding alone", 1000 * times["decode", 2048], "ms"),
        Figure("512 x 512: time over the floor's", small / times["floor", 512], "x"),
        Figure("2048 x 2048: time over the floor's", large / times["floor", 2048], "x"),
        Figure("2048 x 2048 over 512 x 512, time", large / small, "x"),
    ]
    report("Quality check on one CPU", figures)


def _interleaved(
    workers: dict[str, Callable[[bytes], Any]], bodies: dict[int, bytes], rounds: int
) -> dict[tuple[str, int], float]:
    """Return the median CPU seconds of each worker on each picture; all run in turn.

    CPU time is used instead of wall-clock time because the CPU may be shared.
    """
    seconds: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for name, work in workers.items():
            for side, body in bodies.items():
                started = time.process_time()
                work(body)
                seconds.setdefault((name, side), []).append(time.process_time() - started)
    return {key: median(values[1:]) for key, values in seconds.items()}


def _floor(body: bytes) -> None:
    with Image.open(io.BytesIO(body)) as image:
        gaussian_filter(np.asarray(image), 1.0)


def _png(side: int) -> bytes:
    """Return a real MR picture scaled to this size, with a little noise so that it isn't too easy to code."""
    path = get_testdata_file("examples_overlay.dcm", download=False)
    image = read_image_file(Path(str(path)), Limits())
    picture = PictureRecipe(image.ds).draw(next(image.frames()), index=0).picture
    large = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, 1, (side, side))
    return encode_png(np.clip(np.asarray(large) + noise, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
