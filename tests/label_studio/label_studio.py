"""The API of a running Label Studio."""

import json
from dataclasses import dataclass
from typing import Any

import urllib3


@dataclass(frozen=True)
class LabelStudio:
    """A running Label Studio and a user's token."""

    url: str
    token: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send a request that must succeed; returns the JSON of the answer."""
        answer = self._request(method, path, None if body is None else json.dumps(body).encode())
        assert answer.status in {200, 201}, answer.data[:1000]
        return answer.json()

    def picture(self, path: str) -> bytes:
        """The PNG that a browser gets for a task's image."""
        answer = self._request("GET", path, None)
        assert (200, "image/png") == (answer.status, answer.headers["content-type"])
        return answer.data

    def _request(self, method: str, path: str, body: bytes | None) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        return urllib3.request(method, self.url + path, body=body, headers=headers, timeout=60, retries=False)
