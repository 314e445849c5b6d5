"""Which libraries a process loads: a cold start is mostly imports, and each worker keeps what it loads."""

import subprocess
import sys

import pytest

from tests.support.repository import ROOT

PICTURES = {"PIL", "cv2", "imagecodecs", "numpy", "pydicom"}
SERVERS = {"flask", "minio", "psycopg", "pydantic_settings"}
MODEL = {"joblib", "scipy", "sklearn"}


@pytest.mark.parametrize(
    ("module", "loads", "needless"),
    [
        # Its sandbox processes read and draw the files.
        ("functions.extract.main", SERVERS, PICTURES | MODEL),
        ("functions.extract.sandbox.zygote", PICTURES, SERVERS | MODEL),
        ("functions.quality.main", SERVERS | {"numpy"}, {"pydicom", "imagecodecs"} | MODEL),
        ("functions.store_metadata.main", SERVERS, PICTURES | MODEL),
        ("functions.annotations.main", SERVERS, PICTURES | MODEL),
        ("functions.sweep.main", SERVERS, PICTURES | MODEL),
        ("functions.poll_nas.main", SERVERS, PICTURES | MODEL),
    ],
)
def test_a_process_loads_only_what_it_needs(module: str, loads: set[str], needless: set[str]) -> None:
    """The function's own process of extract loads no library for pictures, its sandbox none for servers."""
    code = (
        f"import sys, {module}; print(*(name for name in {sorted(loads | needless)} if name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted(loads) == run.stdout.split()
