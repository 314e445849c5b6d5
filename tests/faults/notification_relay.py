"""An HTTP relay between MinIO and the functions that drops, refuses, doubles and reorders notifications."""

import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3


class Delivery(StrEnum):
    """What the relay does with a notification."""

    PASS = "pass"
    DROP = "drop"  # answer 200 and never send it
    REFUSE = "refuse"  # answer 503
    DOUBLE = "double"  # send it to both processes of the function at the same time
    REORDER = "reorder"  # answer 200, collect, and send later in another order


class NotificationRelay:
    """Receives POST requests on `/<function>` and sends them to one of the function's processes."""

    def __init__(self, urls: Mapping[str, Sequence[str]], seed: int) -> None:
        self.counts = dict.fromkeys(Delivery, 0)
        self.delivery = Delivery.PASS
        self._urls = urls
        self._random = random.Random(seed)
        self._pool = urllib3.PoolManager(maxsize=16, timeout=60, retries=False)
        self._late: list[tuple[str, bytes, Mapping[str, str]]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True),
            threading.Thread(target=self._send_late, daemon=True),
        ]

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def start(self) -> "NotificationRelay":
        """Start to relay."""
        for thread in self._threads:
            thread.start()
        return self

    def close(self) -> None:
        """Stop; collected notifications are dropped."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(timeout=10)
        self._pool.clear()

    def deliver(self, function: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Handle one notification; returns the HTTP status for MinIO."""
        with self._lock:
            delivery = self.delivery
            self.counts[delivery] += 1
            url = self._random.choice(self._urls[function])
        if delivery is Delivery.DROP:
            return 200
        if delivery is Delivery.REFUSE:
            return 503
        if delivery is Delivery.REORDER:
            with self._lock:
                self._late.append((url, body, headers))
            return 200
        if delivery is Delivery.DOUBLE:
            twice = threading.Thread(target=self._send, args=(self._urls[function][0], body, headers))
            twice.start()
            status = self._send(self._urls[function][-1], body, headers)
            twice.join()
            return status
        return self._send(url, body, headers)

    def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            return self._pool.request("POST", url, body=body, headers=headers).status
        except urllib3.exceptions.HTTPError:
            return 502

    def _send_late(self) -> None:
        while not self._ended.wait(timeout=1.5):
            with self._lock:
                late, self._late = self._late, []
                self._random.shuffle(late)
            for url, body, headers in late:
                if not self._ended.is_set():
                    self._send(url, body, headers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with suppress(ConnectionError):  # MinIO was killed
                    super().handle()

            def do_HEAD(self) -> None:
                self._answer(200)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                given = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() in {"authorization", "content-type"}
                }
                self._answer(relay.deliver(self.path.strip("/"), body, given) if body else 200)

            def _answer(self, status: int) -> None:
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler
