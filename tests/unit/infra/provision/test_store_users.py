"""The passwords of the object store's users never pass a network as plain text."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.provision.function_card import function_cards
from infra.provision.store import store_setup

_CARD = function_cards()[0]
_PASSWORD = "Marker-of-a-password"


class _Handler(http.server.BaseHTTPRequestHandler):
    requests: list[tuple[str, bytes]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.path.partition("?")[0].rpartition("/")[2], body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def _admin_api() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """An administration that accepts everything; its endpoint, and its requests by name."""
    handler = type("_Recording", (_Handler,), {"requests": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", handler.requests
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("is_here", [True, False])
def test_passwords_are_encrypted_for_another_machine(monkeypatch: pytest.MonkeyPatch, is_here: bool) -> None:
    """On this machine one request has all users; to another one without TLS each request is encrypted."""
    monkeypatch.setattr(store_setup, "function_cards", lambda: (_CARD,))
    monkeypatch.setattr(store_setup, "is_loopback", lambda _: is_here)
    with _admin_api() as (endpoint, requests):
        keys = {_CARD.function: _PASSWORD}
        store_setup.create_users(
            endpoint=endpoint, user="u", password="p" * 8, keys=keys, images_prefix="images-"
        )
    names = [name for name, _ in requests]
    assert names == (["import-iam-v2"] if is_here else ["add-canned-policy", "add-user", names[-1]])
    assert not any(_PASSWORD.encode() in body for _, body in requests if not is_here)
