"""Files of every codec, damaged at random, under the C library's and Python's own checks of memory.

300 files by default; DCM2SET_FUZZ_FILES sets another number (`make fuzz`: 10,000).
"""

import ctypes
import os
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from common.errors import NoPictureError, PermanentError
from common.process import native_libraries
from deidentification.profile import Profile
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import PreparedInstance, Rules
from functions.extract.sandbox.pool import SandboxPool
from functions.extract.sandbox.process import SandboxCrashedError
from imaging.options import Limits, PictureRules
from tests.support.factories import real_path
from tests.support.mutated_files import UNDECODED, files_of_every_codec, mutated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
CASES = int(os.environ.get("DCM2SET_FUZZ_FILES", "300"))
RULES = Rules(bytes(32), Limits(), PictureRules(), Profile(), hold_burned_in_text=False)
# Freed and fresh memory gets a pattern, so that reading it changes the picture or crashes; blocks have guards
# that are checked when they are freed (mallopt(3), Python's PYTHONMALLOC).
CHECKS = {"PYTHONMALLOC": "debug", "MALLOC_PERTURB_": "165", "MALLOC_CHECK_": "3"}
_MALLOC_DEBUG = "libc_malloc_debug.so.0"  # has the guards since glibc 2.34


@pytest.fixture(scope="module")
def processes() -> Iterator[SandboxPool]:
    """Sandbox processes that check their memory."""
    checks = dict(CHECKS)
    with suppress(OSError):
        ctypes.CDLL(_MALLOC_DEBUG)
        checks["LD_PRELOAD"] = _MALLOC_DEBUG
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_libraries, "ENVIRONMENT", {**native_libraries.ENVIRONMENT, **checks})
        processes = SandboxPool(RULES, seconds=60, megabytes=512)
        yield processes
        processes.close()


def outcome(processes: SandboxPool, data: bytes, folder: Path) -> PreparedInstance | Exception:
    """What was prepared of a file, or the error that says why nothing was; no other error is allowed."""
    source = folder / "source.dcm"
    source.write_bytes(data)
    try:
        return processes(source, folder, heartbeat=lambda: None)
    except (PermanentError, NoPictureError, SandboxCrashedError) as error:
        return error


def test_damaged_files_of_every_codec_are_drawn_or_refused(processes: SandboxPool, tmp_path: Path) -> None:
    """Each is drawn with true claims, or refused with a cause; a crash is told as one and harms no other."""
    good = real_path("CT_small.dcm").read_bytes()
    expected = pictures(outcome(processes, good, tmp_path))
    files = files_of_every_codec()
    names = list(files)
    ends: Counter[str] = Counter()
    for case in range(CASES):
        random = np.random.default_rng(case)
        name = names[case % len(names)]
        prepared = outcome(processes, mutated(files[name], random), tmp_path)
        if isinstance(prepared, PreparedInstance):
            assert_true(prepared, f"case {case}, {name}")
            ends["drawn"] += 1
        else:
            ends[str(prepared) if isinstance(prepared, SandboxCrashedError) else "refused"] += 1
            assert str(prepared).endswith("."), f"case {case}, {name}: {prepared}"
            if isinstance(prepared, PermanentError):
                assert prepared.next_step, f"case {case}, {name}: {prepared}"
    print(dict(ends))  # noqa: T201 what `make fuzz` shows
    assert min(ends["drawn"], ends["refused"]) > CASES / 10
    assert expected == pictures(outcome(processes, good, tmp_path))


def pictures(prepared: PreparedInstance | Exception) -> list[bytes]:
    """The PNGs of a file that was drawn."""
    assert isinstance(prepared, PreparedInstance), prepared
    return [frame.read() for frame in prepared.frames]


def assert_true(prepared: PreparedInstance, case: str) -> None:
    """What is said of the pictures is true: in their entries, in the PNGs, in the de-identified file."""
    with pydicom.dcmread(BytesIO(read_output(prepared.dicom)), stop_before_pixels=True) as ds:
        assert int(ds.get("NumberOfFrames") or 1) == len(prepared.frames), case
        size = (ds.Rows, ds.Columns)
    for number, frame in enumerate(prepared.frames, 1):
        assert (number, *size) == (frame.number, frame.rows, frame.columns), case
        data = frame.read()
        with Image.open(BytesIO(data)) as image:
            image.load()
            assert (frame.columns, frame.rows) == image.size, case
            assert frame.samples == len(image.getbands()), case
        assert (frame.bits, {1: 0, 3: 2}[frame.samples]) == struct.unpack(">BB", data[24:26]), case


def test_every_undamaged_file_is_drawn(processes: SandboxPool, tmp_path: Path) -> None:
    """Under the checks of memory no codec is found to read or write where it may not.

    Encapsulated uncompressed pixels have no decoder, and are refused for that.
    """
    for name, data in files_of_every_codec().items():
        prepared = outcome(processes, data, tmp_path)
        if name == UNDECODED:
            assert "No decoder" in str(prepared)
        else:
            assert isinstance(prepared, PreparedInstance), f"{name}: {prepared}"
            assert_true(prepared, name)
