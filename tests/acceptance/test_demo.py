"""`dcm2set demo`, as `make demo` runs it."""

import shutil
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image

from common.process.parent_process import end_with_parent

_END_WITH_PARENT = partial(end_with_parent, signal.SIGTERM)


def test_the_demo_ends_with_a_closed_balance() -> None:
    """The demo exits with 0, prints the balance and why items were set aside, and draws a contact sheet."""
    folder = Path(tempfile.mkdtemp(prefix="dcm2set-test-"))
    try:
        command = [sys.executable, "-m", "infra.cli", "demo", "--home", str(folder / "demo")]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=1800, check=False, preexec_fn=_END_WITH_PARENT
        )
        assert 0 == done.returncode, done.stdout + done.stderr
        assert 2 == done.stdout.count("; difference 0")
        assert "Not a DICOM file" in done.stdout
        assert "Possible burned-in text" in done.stdout
        assert "The balance is closed, and nothing waits." in done.stdout
        with Image.open(folder / "demo" / "contact-sheet.png") as sheet:
            assert sheet.width > 1000
            assert len(sheet.getcolors(maxcolors=1 << 24)) > 100
    finally:
        shutil.rmtree(folder)
