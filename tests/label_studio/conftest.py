"""A real Label Studio in its own environment."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.label_studio.label_studio import LabelStudio
from tests.support.free_ports import free_port
from tests.support.local_home import RunningHome, wait_for

START_SECONDS = 900  # the first start creates a database, which takes several minutes


@pytest.fixture(scope="module")
def label_studio(home: RunningHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    """Label Studio on loopback with a new user."""
    folder, token = tmp_path_factory.mktemp("label-studio"), secrets.token_hex(20)
    port = free_port()
    program = Path(os.environ["LABEL_STUDIO"])
    words = ["start", "demo", "--init", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    words += ["--username", "annotator@example.org", "--password", secrets.token_hex(8)]
    words += ["--enable-legacy-api-token", "--user-token", token]
    quiet = {"COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false", "SENTRY_DSN": ""}
    # Label Studio accepts a loopback endpoint only from its environment.
    own = {"LABEL_STUDIO_BASE_DATA_DIR": str(folder), "S3_ENDPOINT": _endpoint(home)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *words],
            env=os.environ | quiet | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(url) or process.poll() is not None, seconds=START_SECONDS)
        assert _answers(url), (folder / "log").read_text()[-3000:]
        yield LabelStudio(url, token)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _endpoint(home: RunningHome) -> str:
    return f"http://{home.endpoints['minio']['endpoint']}"


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/health", timeout=5, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
