"""Which libraries a process loads: a cold start is mostly imports, and each worker keeps what it loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.provision.function_card import function_cards
from infra.provision.serving import serving_command
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


def test_a_function_loads_no_client_for_administration(tmp_path: Path) -> None:
    """Under the command that serves it, minio is there without what only its administration needs."""
    code = "import sys, minio.api\nprint(*({'Crypto', 'argon2', 'minio', 'pycparser'} & set(sys.modules)))"
    (tmp_path / "program.py").write_text(code, encoding="utf-8")
    (card,) = (card for card in function_cards() if card.function == "sweep")
    command = serving_command(card, host="127.0.0.1", port=1)
    command = [*command[: command.index("functions_framework")], "program"]
    path = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    run = subprocess.run(command, env=path, capture_output=True, text=True, check=True)
    assert ["minio"] == run.stdout.split()
