"""Files are prepared in sandbox processes."""

import errno
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLosslessSV1

from common.errors import DependencyAwayError, HoldError, NoPictureError, PermanentError
from deidentification.pixels.releases import Releases
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import Spooled
from functions.extract.prepared_instance import PreparedInstance
from functions.extract.sandbox.folder import SandboxFolder
from functions.extract.sandbox.message import (
    SandboxFaultError,
    pack_error,
    pack_prepared,
    unpack,
    unpack_prepared,
)
from functions.extract.sandbox.pool import SandboxPool
from functions.extract.sandbox.process import SandboxCrashedError
from functions.extract.sandbox.time_limit import TimeLimit
from imaging.options import Rectangle
from tests.support.factories import make_grey, real_path, to_bytes
from tests.support.local_home import wait_for
from tests.support.sandbox_rules import RULES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.fixture
def processes() -> Iterator[SandboxPool]:
    """A pool with generous limits."""
    processes = SandboxPool(RULES, seconds=60, megabytes=1024)
    yield processes
    processes.close()


def prepared(processes: SandboxPool, source: Path, folder: Path) -> PreparedInstance:
    """The outputs of a file."""
    return processes(source, folder, heartbeat=lambda: None)


def pid_of(processes: SandboxPool) -> int:
    """The process id of the idle process."""
    idle = processes._idle.queue  # noqa: SLF001
    idle[-1].wait_until_started(lambda: None)
    return idle[-1].pid


def test_a_started_process_takes_the_first_file(processes: SandboxPool, tmp_path: Path) -> None:
    """A pool can start a process before there is a file for it."""
    processes.start()
    pid = pid_of(processes)
    assert prepared(processes, real_path("CT_small.dcm"), tmp_path).frames
    assert pid == pid_of(processes)


def test_a_start_that_fails_is_reported_with_the_first_file(
    processes: SandboxPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a temporary folder the function still starts; the file's error says what is wrong."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "away"))
    processes.start()
    with pytest.raises(FileNotFoundError):
        prepared(processes, real_path("CT_small.dcm"), tmp_path)


@pytest.mark.parametrize("name", ["CT_small.dcm", "emri_small.dcm"])
def test_outputs_are_the_same_as_in_this_process(processes: SandboxPool, name: str, tmp_path: Path) -> None:
    """A file prepared in a sandbox process has the same outputs, byte for byte."""
    expected = InstancePreparer(RULES)(real_path(name), tmp_path, heartbeat=lambda: None)
    assert expected == prepared(processes, real_path(name), tmp_path)


def test_pictures_too_large_for_memory_are_passed_as_files(processes: SandboxPool, tmp_path: Path) -> None:
    """Many large frames are written to the folder, and read back unchanged."""
    noise = np.random.default_rng(0).integers(2000, 2064, (6, 1500, 1500), dtype=np.uint16)
    noise[:, 0, :2] = 0, 4095
    source = tmp_path / "large.dcm"
    source.write_bytes(to_bytes(make_grey(noise)))
    frames = prepared(processes, source, tmp_path).frames
    assert {bytes, Spooled} >= {type(frame.png) for frame in frames} >= {Spooled}
    expected = InstancePreparer(RULES)(source, tmp_path, heartbeat=lambda: None).frames
    assert [frame.read() for frame in expected] == [frame.read() for frame in frames]


@pytest.mark.parametrize(
    ("free", "error", "words"),
    [(1 << 40, PermanentError, "DCM2SET_MAX_MEGABYTES_PER_FILE"), (1 << 21, DependencyAwayError, "TMPDIR")],
)
def test_pictures_larger_than_the_limit_are_refused(
    free: int, error: type[Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the setting the file is quarantined; with little free space it is tried again later."""
    monkeypatch.setattr(SandboxFolder, "free_bytes", lambda _: free)
    noise = np.random.default_rng(0).integers(0, 65536, (3, 1000, 1000), dtype=np.uint16)
    source = tmp_path / "large.dcm"
    source.write_bytes(to_bytes(make_grey(noise)))
    processes = SandboxPool(RULES, seconds=60, megabytes=1024, megabytes_of_outputs=1)
    with pytest.raises(error, match=words):
        prepared(processes, source, tmp_path)
    assert prepared(processes, real_path("CT_small.dcm"), tmp_path).frames
    processes.close()


def test_text_is_read_within_the_sandbox(processes: SandboxPool, tmp_path: Path) -> None:
    """The reader is loaded from its packages when it is first needed, and finds the patient's name."""
    picture = np.full((400, 640), 20, np.uint8)
    cv2.putText(picture, "MEIERHOFER^ANNEGRET", (40, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 230, 1)
    source = tmp_path / "text.dcm"
    source.write_bytes(
        to_bytes(make_grey(picture, PatientName="Meierhofer^Annegret", BurnedInAnnotation="NO"))
    )
    with pytest.raises(HoldError, match="A word of PatientName was read"):
        prepared(processes, source, tmp_path)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("examples_rgb_color.dcm", HoldError, "burned-in text"),
        ("reportsi.dcm", NoPictureError, "Basic Text SR"),
        ("MR_truncated.dcm", PermanentError, "shorter than the header says"),
    ],
)
def test_errors_come_with_their_cause(
    processes: SandboxPool, name: str, error: type[Exception], words: str, tmp_path: Path
) -> None:
    """The cause why a file is refused, held or skipped is the same as in one process."""
    with pytest.raises(error, match=words) as caught:
        prepared(processes, real_path(name), tmp_path)
    if not isinstance(caught.value, NoPictureError):
        assert caught.value.next_step
    assert prepared(processes, real_path("CT_small.dcm"), tmp_path).frames


def test_output_of_a_library_is_not_an_answer(processes: SandboxPool, tmp_path: Path) -> None:
    """A decoder that writes to standard output does not corrupt the answers."""
    for name in ("JPEG2000-embedded-sequence-delimiter.dcm", "CT_small.dcm"):
        try:
            outcome = prepared(processes, real_path(name), tmp_path)
        except PermanentError as error:
            outcome = str(error)
    assert outcome.frames


def test_a_hanging_file_is_refused_and_the_next_one_drawn(tmp_path: Path) -> None:
    """Over the time limit the process is killed, the file gets a cause, and the next file is drawn."""
    processes = SandboxPool(RULES, seconds=60, megabytes=1024)
    prepared(processes, real_path("CT_small.dcm"), tmp_path)
    pid = pid_of(processes)
    os.kill(pid, signal.SIGSTOP)
    processes._idle.queue[-1]._seconds = 0.5  # noqa: SLF001
    heartbeats = []
    with pytest.raises(PermanentError, match="DCM2SET_SECONDS_PER_FILE"):
        processes(real_path("CT_small.dcm"), tmp_path, heartbeat=lambda: heartbeats.append(1))
    assert wait_for(lambda: not Path(f"/proc/{pid}").exists(), seconds=10)
    assert prepared(processes, real_path("CT_small.dcm"), tmp_path).frames
    processes.close()


def test_a_suspended_machine_refuses_no_file(tmp_path: Path) -> None:
    """Time in which the process did not run, or extract did not run, does not count against the file."""
    processes = SandboxPool(RULES, seconds=60, megabytes=1024)
    prepared(processes, real_path("CT_small.dcm"), tmp_path)
    processes._idle.queue[-1]._seconds = 0.5  # noqa: SLF001
    slow = []

    def heartbeat() -> None:
        if not slow:
            slow.append(time.sleep(1.5))  # this process waits while the answer comes

    process = pid_of(processes)
    assert processes(real_path("emri_small.dcm"), tmp_path, heartbeat=heartbeat).frames
    assert process == pid_of(processes)
    processes.close()


def test_processor_time_counts() -> None:
    """A process that works has a limit of processor time, an idle one a limit of waiting time."""
    own = TimeLimit(os.getpid(), 0.2)
    assert not own.is_over(0)
    before = time.process_time()
    while time.process_time() - before < 0.4:
        pass
    assert own.is_over(0)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as idle:
        assert wait_for(lambda: Path(f"/proc/{idle.pid}/stat").read_text().split()[2] == "S", seconds=30)
        limit = TimeLimit(idle.pid, 5)
        assert [False] * 4 == [limit.is_over(1) for _ in range(4)]
        assert limit.is_over(2)
        idle.kill()


def test_a_crash_raises_and_the_next_file_is_drawn(processes: SandboxPool, tmp_path: Path) -> None:
    """If the process is killed while it works, an error is raised, and the next file gets a new process."""
    prepared(processes, real_path("CT_small.dcm"), tmp_path)
    pid = pid_of(processes)
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(SandboxCrashedError, match="SIGKILL"):
        prepared(processes, real_path("CT_small.dcm"), tmp_path)
    assert prepared(processes, real_path("CT_small.dcm"), tmp_path).frames


def test_a_process_killed_while_idle_harms_no_file(processes: SandboxPool, tmp_path: Path) -> None:
    """A process that ended between two files is replaced before the next file."""
    prepared(processes, real_path("CT_small.dcm"), tmp_path)
    pid = pid_of(processes)
    os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z", seconds=10)
    assert prepared(processes, real_path("CT_small.dcm"), tmp_path).frames


def test_a_file_that_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    """A small file that needs more memory than allowed is refused, or crashes its process."""
    pixels = np.zeros((9000, 9000), np.uint16)
    ds = make_grey(pixels)
    ds.PixelData = encapsulate([imagecodecs.ljpeg_encode(pixels, bitspersample=16)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    source = tmp_path / "bomb.dcm"
    source.write_bytes(to_bytes(ds))
    processes = SandboxPool(RULES, seconds=60, megabytes=64)
    with pytest.raises((PermanentError, SandboxCrashedError)):
        prepared(processes, source, tmp_path)
    assert prepared(processes, real_path("CT_small.dcm"), tmp_path).frames
    processes.close()


def test_a_file_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    """An answer that names a file outside its own folder does not give that file."""
    complete = InstancePreparer(RULES)(real_path("CT_small.dcm"), tmp_path, heartbeat=lambda: None)
    elsewhere = tmp_path / "secrets.json"
    elsewhere.write_text("secret")
    named = replace(complete, frames=[replace(complete.frames[0], png=elsewhere)])
    header, body = unpack(io.BytesIO(pack_prepared(named)).read)
    header["frames"][0]["file"] = str(elsewhere)
    folder = tmp_path / "own"
    (frame,) = unpack_prepared((header, body), folder).frames
    assert folder / "secrets.json" == frame.png


def test_a_full_temporary_folder_is_a_temporary_failure(tmp_path: Path) -> None:
    """An error of the operating system in the sandbox process is a temporary failure, without a file name."""
    answer = io.BytesIO(pack_error(OSError(errno.ENOSPC, "No space left on device", "/tmp/a name")))
    with pytest.raises(DependencyAwayError, match="No space left on device") as caught:
        unpack_prepared(unpack(answer.read), tmp_path)
    assert "a name" not in str(caught.value)


def test_what_the_sandbox_refuses_is_a_fault_and_no_temporary_failure(tmp_path: Path) -> None:
    """Attempts of a file that makes a decoder ask for more are counted, so they end."""
    answer = io.BytesIO(pack_error(PermissionError(errno.EACCES, "Permission denied", "/tmp/a name")))
    with pytest.raises(SandboxFaultError, match="PermissionError"):
        unpack_prepared(unpack(answer.read), tmp_path)


def test_what_was_found_and_decided_crosses_the_process_border(
    processes: SandboxPool, tmp_path: Path
) -> None:
    """Places of text come back with the error; a person's releases and rectangles reach the process."""
    source = real_path("examples_rgb_color.dcm")
    with pytest.raises(HoldError) as expected:
        InstancePreparer(RULES)(source, tmp_path, heartbeat=lambda: None)
    with pytest.raises(HoldError) as caught:
        prepared(processes, source, tmp_path)
    assert expected.value.text_found == caught.value.text_found
    assert caught.value.text_found is not None
    assert caught.value.text_found.boxes
    releases = Releases(2, (Rectangle(0, 0, 320, 40),))
    instance = processes(source, tmp_path, heartbeat=lambda: None, releases=releases)
    assert "blanked by a person" in instance.frames[0].recipe
