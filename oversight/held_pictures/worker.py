"""The main program of the process that draws one held file: it has no credentials, and gives up what it can.

It reads the file in its folder and writes PNGs to standard output, each behind its frame's number and
length, and at last a JSON report. Files come from outside and decoders are native code, so the process
that started it trusts neither.
"""

import io
import os
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from PIL import Image

from common.confinement.confinement import confine, smaller_limit
from common.errors import PipelineError
from common.process.parent_process import end_with_parent
from common.settings import settings
from deidentification.pixels.burned_in_gate import Releases, burned_in_decision
from deidentification.pixels.device_rules import DeviceRule, load_device_rules
from deidentification.profile import Profile, load_profile
from imaging.frames.blanking import Rectangle
from imaging.frames.image_checks import Limits, NoPictureError, reading_elements
from imaging.frames.image_file import ImageFile, read_image_file
from imaging.rendering.picture_recipe import PictureRecipe, PictureRules

HEAD = struct.Struct(">II")  # number of a frame, or 0 for the report; and the length of what follows
MEGABYTE = 1024 * 1024
_PACKAGES = ("common", "deidentification", "imaging")  # modules of them may be imported later


def main() -> None:
    """Draw the file `source.dcm` in the folder of the request on standard input."""
    end_with_parent(signal.SIGKILL)
    request = orjson.loads(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    config = settings()
    limits = Limits(config.max_pixels_per_frame, config.max_frames)
    rules = PictureRules(is_16_bit=False, windows=config.windows)
    profile, devices = load_profile(config.deidentification_profile), load_device_rules(config.blanking_rules)
    Image.init()
    _limit(config.seconds_per_file, config.megabytes_per_file, request["megabytes"])
    source = Path(request["folder"]) / "source.dcm"
    confine(
        packages=[Path(path) for name in _PACKAGES for path in sys.modules[name].__path__],
        readable=[source.parent],
        writable=[],
    )
    cause = None
    try:
        image_file = _with_blanking(read_image_file(source, limits), request, profile, devices)
        _draw(image_file, rules, request, answers)
    except (PipelineError, NoPictureError) as error:
        cause = str(error)
    except Exception as error:  # noqa: BLE001 its text may quote values of the file
        cause = f"It can't be drawn ({type(error).__name__})."
    _write(answers, 0, orjson.dumps({"cause": cause}))


def _limit(seconds: float, megabytes: int, megabytes_of_pictures: int) -> None:
    """Processor time, memory and size of the answers; a limit that is exceeded ends the process."""
    used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    wanted = {
        resource.RLIMIT_CPU: int(seconds) + 10,  # its own start included
        resource.RLIMIT_DATA: used + megabytes * MEGABYTE,
        resource.RLIMIT_FSIZE: megabytes_of_pictures * MEGABYTE,
    }
    for kind, most in wanted.items():
        lowered = smaller_limit(kind, most)
        resource.setrlimit(kind, (lowered, lowered))


def _with_blanking(
    image_file: ImageFile, request: dict[str, Any], profile: Profile, devices: Sequence[DeviceRule]
) -> ImageFile:
    """The file as it would leave: with what rules and earlier releases make black."""
    releases = Releases(request["releases"], tuple(Rectangle(*values) for values in request["blank"]))
    with reading_elements():
        decision = burned_in_decision(
            image_file.ds, devices, profile=profile, is_gate_on=True, releases=releases
        )
    return replace(image_file, blanking=decision.blanking)


def _draw(image_file: ImageFile, rules: PictureRules, request: dict[str, Any], answers: BinaryIO) -> None:
    wanted = chosen_frames(image_file.number_of_frames, request["frames_of_text"], request["most_frames"])
    recipe = PictureRecipe(image_file.ds, rules)
    for index, frame in enumerate(image_file.frames()):
        if index + 1 in wanted:
            body = io.BytesIO()
            Image.fromarray(recipe.draw(frame, index=index).picture).save(body, "PNG")
            _write(answers, index + 1, body.getvalue())
    _write(answers, 0, orjson.dumps({"frames": image_file.number_of_frames}))


def chosen_frames(number: int, of_text: Sequence[int], most: int) -> set[int]:
    """At most `most` frames, counted from 1: first those in which text was found, then evenly spread ones."""
    chosen = [frame for frame in dict.fromkeys(of_text) if 1 <= frame <= number][:most]
    rest = [frame for frame in range(1, number + 1) if frame not in set(chosen)]
    left = min(most - len(chosen), len(rest))
    return {*chosen, *(rest[place * len(rest) // left] for place in range(left))}


def _write(answers: BinaryIO, number: int, body: bytes) -> None:
    answers.write(HEAD.pack(number, len(body)) + body)
    answers.flush()


if __name__ == "__main__":
    main()
