"""dcm2set's own routes from a DICOM file to PNGs, and the lower bound (floor) of their time."""

from dataclasses import replace
from pathlib import Path

from benchmarks.support.corpus import Sample
from deidentification.profile import Profile
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import Output, OutputSpace
from functions.extract.png_frames import draw_frames, encode_png
from functions.extract.prepared_instance import PngFrame, Rules
from imaging.frames.image_file import read_image_file
from imaging.options import Limits, PictureRules
from imaging.rendering.picture_recipe import PictureRecipe

_RULES = Rules(bytes(32), Limits(), PictureRules(), Profile(), hold_burned_in_text=True)
_SEARCHING = InstancePreparer(_RULES)
_NOT_SEARCHING = InstancePreparer(replace(_RULES, hold_burned_in_text=False))


def pixel_path(sample: Sample, out: Path) -> list[Output]:
    """Read, decode, draw and encode. The first 8 MiB stay in memory, as in extract."""
    return [frame.png for frame in _drawn(sample.path, out)]


def complete_step(sample: Sample, out: Path) -> list[Output]:
    """Prepare all that extract writes: PNGs, de-identified DICOM file, metadata document.

    The search for text is part of it, but not for ultrasound, which would be held by its class.
    """
    preparer = _NOT_SEARCHING if sample.picture == "US" else _SEARCHING
    prepared = preparer(sample.path, out, heartbeat=lambda: None)
    return [frame.png for frame in prepared.frames]


def batch_to_files(sample: Sample, out: Path) -> list[Output]:
    """Run the pixel path on every copy and write all PNGs to files; return those of the first copy."""
    for copy in sample.copies:
        for frame in _drawn(copy, out):
            (out / f"{copy.stem}.{frame.number}.png").write_bytes(frame.read())
    first = sample.copies[0].stem
    return [out / f"{first}.{index + 1}.png" for index in range(sample.number_of_frames)]


class Floor:
    """Only decodes the frames and encodes PNGs.

    The encoded pictures are drawn in advance and equal those of the pixel path. So the difference in time is
    the cost of reading and drawing in the pixel path.
    """

    def __init__(self, sample: Sample) -> None:
        image_file = read_image_file(sample.path, Limits())
        recipe = PictureRecipe(image_file.ds, PictureRules())
        self._pictures = [
            None if frame.ndim == 3 else recipe.draw(frame, index=index).picture  # RGB needs no drawing
            for index, frame in enumerate(image_file.frames())
        ]

    def __call__(self, sample: Sample, out: Path) -> list[Output]:
        del out  # everything stays in memory
        frames = read_image_file(sample.path, Limits()).frames()
        return [
            encode_png(frame if picture is None else picture)
            for frame, picture in zip(frames, self._pictures, strict=True)
        ]


def _drawn(path: Path, out: Path) -> list[PngFrame]:
    image_file = read_image_file(path, Limits())
    return draw_frames(image_file, OutputSpace(out), rules=PictureRules(), heartbeat=lambda: None)
