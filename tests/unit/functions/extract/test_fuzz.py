"""Randomly corrupted files in sandbox processes: each gets a picture or a cause, and nothing hides in any.

200 files by default; DCM2SET_FUZZ_CASES sets another number (`make fuzz`: 2,000).
"""

import os
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import UID

from common.errors import NoPictureError, PermanentError
from deidentification.profile import Profile
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import Rules
from functions.extract.sandbox.message import SandboxFaultError
from functions.extract.sandbox.pool import SandboxPool
from functions.extract.sandbox.process import SandboxCrashedError
from imaging.options import Limits, PictureRules
from tests.support.code_streams import (
    MARKER,
    SYNTAXES,
    bits_of,
    encode,
    file_of,
    grey_dataset,
    picture,
    places,
    values_of,
)
from tests.support.factories import make_dataset, real_path, to_bytes
from tests.support.mutated_files import MUTATIONS, REAL_FILES

CASES = int(os.environ.get("DCM2SET_FUZZ_CASES", "200"))
RULES = Rules(bytes(32), Limits(), PictureRules(), Profile(), hold_burned_in_text=False)


@pytest.fixture(scope="module")
def processes() -> Iterator[SandboxPool]:
    """A pool with tight limits."""
    processes = SandboxPool(RULES, seconds=30, megabytes=512)
    yield processes
    processes.close()


def _drawn(processes: SandboxPool, data: bytes, folder: Path) -> list[bytes]:
    source = folder / "source.dcm"
    source.write_bytes(data)
    frames = processes(source, folder, heartbeat=lambda: None).frames
    return [frame.read() for frame in frames]


def test_corrupted_files_harm_no_other_file(processes: SandboxPool, tmp_path: Path) -> None:
    """Each gets pictures or a cause that quotes no value, and a good file is still drawn correctly."""
    good = real_path("CT_small.dcm").read_bytes()
    expected = _drawn(processes, good, tmp_path)
    causes = 0
    for case in range(CASES):
        random = np.random.default_rng(case)
        data = bytearray(real_path(f"{REAL_FILES[case % len(REAL_FILES)]}.dcm").read_bytes())
        corrupted = MUTATIONS[random.integers(0, len(MUTATIONS))](data, random)
        outcome = _outcome(processes, bytes(corrupted), tmp_path, case)
        if isinstance(outcome, PermanentError):
            assert outcome.next_step, f"case {case}: {outcome}"
            assert "CompressedSamples" not in str(outcome), f"case {case} quotes the file"
        causes += outcome is not None
    assert CASES / 10 < causes < CASES
    assert expected == _drawn(processes, good, tmp_path)


def _outcome(processes: SandboxPool, data: bytes, folder: Path, case: int) -> Exception | None:
    """The error of a file; None if it was drawn. A decoder that crashes may end only its process."""
    try:
        assert _drawn(processes, data, folder)
    except (PermanentError, NoPictureError, SandboxCrashedError) as error:
        return error
    except SandboxFaultError as error:
        raise AssertionError(f"Case {case} failed because of an error in dcm2set: {error}.") from None
    return None


def _planted_stream(case: int) -> tuple[UID, bytes]:
    """A code stream with a marker: at any byte, at a place that decoders skip, or at several of these."""
    random = np.random.default_rng(case)
    syntax = SYNTAXES[case % len(SYNTAXES)]
    stream = encode(picture(bits_of(syntax)), syntax, bits_of(syntax))
    skipped = places(syntax)
    for _ in range(random.integers(0, 3)):
        try:
            stream = skipped[random.integers(0, len(skipped))].plant(stream)
        except (ValueError, struct.error):
            break  # a place is no longer found where another marker was planted
    if random.integers(0, 2) or MARKER[:8] not in stream:
        offset = int(random.integers(0, len(stream) + 1))
        stream = stream[:offset] + MARKER + stream[offset:]
    return syntax, stream


@pytest.mark.filterwarnings("ignore::UserWarning")  # the sandbox ignores pydicom's, too
def test_a_marker_anywhere_in_a_code_stream_is_not_copied(processes: SandboxPool, tmp_path: Path) -> None:
    """Wherever a marker is planted, it is not in the de-identified file, unless it is read as pixels."""
    written = 0
    for case in range(CASES // 2):
        syntax, stream = _planted_stream(case)
        source = tmp_path / "source.dcm"
        source.write_bytes(file_of(grey_dataset([stream], syntax)))
        try:
            prepared = processes(source, tmp_path, heartbeat=lambda: None)
        except (PermanentError, SandboxCrashedError):
            continue
        except SandboxFaultError as error:
            raise AssertionError(f"Case {case} failed because of an error in dcm2set: {error}.") from None
        written += 1
        if MARKER[:8] in read_output(prepared.dicom):
            assert _is_picture(stream, syntax, tmp_path), f"case {case} in {syntax.name}"
    assert CASES / 6 < written


def _is_picture(stream: bytes, syntax: UID, folder: Path) -> bool:
    """Whether the marker is read as pixels: another one in its place gives other pixels, or none."""
    other = stream.replace(MARKER[:8], MARKER[:8].swapcase())
    pixels = _decoded(stream, syntax, folder)
    return pixels is not None and not np.array_equal(pixels, _decoded(other, syntax, folder))


def _decoded(stream: bytes, syntax: UID, folder: Path) -> np.ndarray | None:
    """The pixels of a stream, decoded in a process of its own, as a decoder may crash; None without any."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(values_of, file_of(grey_dataset([stream], syntax)), folder).result()
        except (PermanentError, BrokenProcessPool):
            return None


def test_deep_nesting_has_a_cause(processes: SandboxPool, tmp_path: Path) -> None:
    """Ten thousand nested sequences are refused, and the next file is drawn."""
    good = real_path("CT_small.dcm").read_bytes()
    opened = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    index = good.index(b"\x08\x00\x60\x00CS")
    nested = good[:index] + opened * 10_000 + good[index:]
    with pytest.raises((PermanentError, SandboxCrashedError)):
        _drawn(processes, nested, tmp_path)
    assert _drawn(processes, good, tmp_path)


def test_a_deflated_bomb_has_a_cause(processes: SandboxPool, tmp_path: Path) -> None:
    """A small file that inflates to gigabytes is refused within its memory limit."""
    deflated = real_path("image_dfl.dcm").read_bytes()
    index = deflated.index(b"1.2.840.10008.1.2.1.99")
    group = struct.unpack("<L", deflated[140:144])[0]
    start = 144 + group
    assert index < start
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    inflated = zlib.decompress(deflated[start:], -zlib.MAX_WBITS)
    bomb = b"".join(deflate.compress(bytes(1 << 24)) for _ in range(100))
    body = deflate.compress(inflated) + bomb + deflate.flush()
    with pytest.raises((PermanentError, SandboxCrashedError)):
        _drawn(processes, deflated[:start] + body, tmp_path)
    assert _drawn(processes, real_path("CT_small.dcm").read_bytes(), tmp_path)


@pytest.mark.parametrize("elements", [{"NumberOfFrames": 9999}, {"Rows": 7000, "Columns": 7000}])
def test_wrong_sizes_have_a_cause(elements: dict, processes: SandboxPool, tmp_path: Path) -> None:
    """A header with sizes far larger than the pixel data is refused before memory is allocated."""
    for name in ("CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm"):
        with pytest.raises(PermanentError) as caught:
            _drawn(processes, to_bytes(make_dataset(name=name, **elements)), tmp_path)
        assert caught.value.next_step
