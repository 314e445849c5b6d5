"""A real Label Studio, in an environment of its own."""

import json
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.support.local_home import RunningHome, wait_for

START_SECONDS = 900  # its first start makes a database in several minutes


@dataclass(frozen=True)
class LabelStudio:
    """Its API."""

    url: str
    token: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer, which must be a good one."""
        answer = self._request(method, path, None if body is None else json.dumps(body).encode())
        assert answer.status in {200, 201}, answer.data[:1000]
        return answer.json()

    def picture(self, path: str) -> bytes:
        """What a browser is shown of a task's image."""
        answer = self._request("GET", path, None)
        assert (200, "image/png") == (answer.status, answer.headers["content-type"])
        return answer.data

    def _request(self, method: str, path: str, body: bytes | None) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        return urllib3.request(method, self.url + path, body=body, headers=headers, timeout=60, retries=False)


@pytest.fixture(scope="module")
def label_studio(home: RunningHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    """Label Studio on loopback, with a user of its own."""
    folder, token = tmp_path_factory.mktemp("label-studio"), secrets.token_hex(20)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(os.environ["LABEL_STUDIO"])
    words = ["start", "demo", "--init", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    words += ["--username", "annotator@example.org", "--password", secrets.token_hex(8)]
    words += ["--enable-legacy-api-token", "--user-token", token]
    quiet = {"COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false", "SENTRY_DSN": ""}
    # Only an endpoint from its environment may be on loopback.
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
