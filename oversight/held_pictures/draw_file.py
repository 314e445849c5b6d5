"""Draws one held file, in a process that gives up first whatever it has no need of."""

import io
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
from PIL import Image
from pydicom.multival import MultiValue

from common.confinement.confinement import confine, limit_memory, smaller_limit
from common.errors import NoPictureError, PipelineError
from common.settings import Settings
from deidentification.pixels.burned_in_gate import burned_in_decision
from deidentification.pixels.device_rules import DeviceRule, load_device_rules
from deidentification.pixels.releases import Releases
from deidentification.profile import Profile, load_profile
from imaging.dataset.element_value import element_value
from imaging.frames.image_checks import reading_elements
from imaging.frames.image_file import ImageFile, read_image_file
from imaging.options import Limits, PictureRules, Rectangle
from imaging.rendering.picture_recipe import PictureRecipe
from oversight.held_pictures.request import HEAD

_MOST_WINDOWS = 8
_PACKAGES = ("common", "deidentification", "imaging", "oversight")  # modules of them may be imported later


class FileDrawer:
    """Draws files by the settings, which are read before the process gives up its rights."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = Limits(settings.max_pixels_per_frame, settings.max_frames)
        self._profile: Profile = load_profile(settings.deidentification_profile)
        self._devices: Sequence[DeviceRule] = load_device_rules(settings.blanking_rules)
        Image.init()

    def draw(self, request: dict[str, Any], answers: BinaryIO) -> None:
        """Draw the file `source.dcm` in the folder of the request; the process is confined for good."""
        source = Path(request["folder"]) / "source.dcm"
        self._limit(request["megabytes"])
        confine(
            packages=[Path(path) for name in _PACKAGES for path in sys.modules[name].__path__],
            readable=[source.parent],
            writable=[],
        )
        report: dict[str, Any] = {}
        try:
            image_file = self._with_blanking(read_image_file(source, self._limits), request)
            report = _description(image_file)
            for number, body in self._pictures(image_file, request):
                _write(answers, number, body)
            report["frames"] = image_file.number_of_frames
        except (PipelineError, NoPictureError) as error:
            report["cause"] = str(error)
        except Exception as error:  # noqa: BLE001 its text may quote values of the file
            report["cause"] = f"It can't be drawn ({type(error).__name__})."
        _write(answers, 0, orjson.dumps(report))

    def _limit(self, megabytes_of_pictures: int) -> None:
        """Processor time, memory and size of the answers; a limit that is exceeded ends the process."""
        limit_memory(self._settings.megabytes_per_file)
        wanted = {
            resource.RLIMIT_CPU: int(self._settings.seconds_per_file) + 1,
            resource.RLIMIT_FSIZE: megabytes_of_pictures * 1024 * 1024,
        }
        for kind, most in wanted.items():
            lowered = smaller_limit(kind, most)
            resource.setrlimit(kind, (lowered, lowered))

    def _with_blanking(self, image_file: ImageFile, request: dict[str, Any]) -> ImageFile:
        """The file as it would leave: with what rules and earlier releases make black."""
        releases = Releases(request["releases"], tuple(Rectangle(*values) for values in request["blank"]))
        with reading_elements():
            decision = burned_in_decision(
                image_file.ds, self._devices, profile=self._profile, is_gate_on=True, releases=releases
            )
        return replace(image_file, blanking=decision.blanking)

    def _pictures(self, image_file: ImageFile, request: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
        """The wanted frames as PNGs with their numbers, counted from 1; later frames are not decoded."""
        wanted = set(request["frames"]) or chosen_frames(
            image_file.number_of_frames, request["frames_of_text"], request["most_frames"]
        )
        windows = dict(self._settings.windows)
        if request["window"] is not None:
            windows[str(element_value(image_file.ds, "Modality") or "")] = tuple(request["window"])
        recipe = PictureRecipe(image_file.ds, PictureRules(is_16_bit=False, windows=windows))
        last = max(wanted, default=0)
        for index, frame in enumerate(image_file.frames()):
            if index + 1 in wanted:
                yield index + 1, _png(recipe.draw(frame, index=index).picture, request["longest_side"])
            if index + 1 == last:
                return


def _png(picture: Any, longest_side: int | None) -> bytes:
    image, body = Image.fromarray(picture), io.BytesIO()
    if longest_side is not None:
        image.thumbnail((longest_side, longest_side))
    image.save(body, "PNG", compress_level=1)
    return body.getvalue()


def _description(image_file: ImageFile) -> dict[str, Any]:
    """Size and windows of the pictures; numbers only, because texts may name a patient."""
    ds = image_file.ds
    grey = str(element_value(ds, "PhotometricInterpretation") or "").startswith("MONOCHROME")
    return {
        "rows": int(element_value(ds, "Rows") or 0),
        "columns": int(element_value(ds, "Columns") or 0),
        "is_grey": grey,
        "is_ct": str(element_value(ds, "Modality") or "") == "CT",
        "windows": _windows(ds) if grey else [],
    }


def _windows(ds: Any) -> list[list[float]]:
    """The windows of the file that are numbers (PS3.3 C.11.2.1.2); none if an element can't be read."""
    try:
        centres, widths = (_as_list(ds.get(name)) for name in ("WindowCenter", "WindowWidth"))
        pairs = [[float(centre), float(width)] for centre, width in zip(centres, widths, strict=False)]
    except Exception:  # noqa: BLE001 the picture is drawn all the same, as the pipeline draws it
        return []
    return [pair for pair in pairs if np.isfinite(pair).all() and pair[1] >= 1][:_MOST_WINDOWS]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | MultiValue) else [value]


def chosen_frames(number: int, of_text: Sequence[int], most: int) -> set[int]:
    """At most `most` frames, counted from 1: first those in which text was found, then evenly spread ones."""
    chosen = [frame for frame in dict.fromkeys(of_text) if 1 <= frame <= number][:most]
    rest = [frame for frame in range(1, number + 1) if frame not in set(chosen)]
    left = min(most - len(chosen), len(rest))
    return {*chosen, *(rest[place * len(rest) // left] for place in range(left))}


def _write(answers: BinaryIO, number: int, body: bytes) -> None:
    answers.write(HEAD.pack(number, len(body)) + body)
    answers.flush()
