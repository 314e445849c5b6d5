"""dcm2set's own routes from a DICOM file to PNGs, and the lower bound (floor) of their time."""

from pathlib import Path

from benchmarks.support.corpus import Sample
from deidentification.profile import Profile
from functions.extract.output_space import Output, OutputSpace
from functions.extract.png_frames import PngFrame, draw_frames, encode_png
from functions.extract.prepared_instance import InstancePreparer, Rules
from imaging.frames.image_checks import Limits
from imaging.frames.image_file import read_image_file
from imaging.rendering.picture_recipe import PictureRecipe, PictureRules

_PREPARER = InstancePreparer(Rules(bytes(32), Limits(), PictureRules(), Profile(), hold_burned_in_text=False))


def pixel_path(sample: Sample, out: Path) -> list[Output]:
    """Read, decode, draw and encode. The first 8 MiB stay in memory, as in extract."""
    return [frame.png for frame in _drawn(sample.path, out)]


def complete_step(sample: Sample, out: Path) -> list[Output]:
    """Prepare all that extract writes: PNGs, de-identified DICOM file, metadata document."""
    prepared = _PREPARER(sample.path, out, heartbeat=lambda: None)
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
