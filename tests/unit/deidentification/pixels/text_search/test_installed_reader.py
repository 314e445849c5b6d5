"""Whether text can be read, asked without loading what reads it."""

import subprocess
import sys

import pytest

from deidentification.pixels.text_search import installed_reader
from deidentification.pixels.text_search.installed_reader import can_read
from tests.support.repository import ROOT


def test_asking_whether_it_can_read_loads_nothing() -> None:
    """The packages take a second to import, which only files with boxes should wait for."""
    code = (
        "import sys; from deidentification.pixels.text_search import installed_reader as r; "
        "print(r.can_read(), *(name in sys.modules for name in ('rapidocr', 'onnxruntime', 'cv2')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{can_read()} False False False" == done.stdout.strip()


@pytest.mark.parametrize("missing", ["rapidocr", "onnxruntime"])
def test_without_one_of_its_packages_it_cannot_read(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both rapidocr and onnxruntime are needed."""
    monkeypatch.setattr(installed_reader, "find_spec", lambda name: None if name == missing else object())
    can_read.cache_clear()
    try:
        assert not can_read()
    finally:
        can_read.cache_clear()
