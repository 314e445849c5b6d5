"""A fake DSM: a real HTTP server on loopback that fails as a test orders it."""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fake_dsm.certificate import loopback_certificate
from tests.fake_dsm.share import DsmError, Share
from tests.fake_dsm.sign_in import SignIn

# Faults that take no time, for polls under random faults.
FAULTS = (
    *("expire 106", "expire 107", "expire 119", "code 402", "code 408", "code 100", "http 502"),
    *("page", "drop", "cut", "short", "lost"),
)
_HALF = {"short", "drop", "cut", "stall"}
_PLAIN = {"api", "version", "method", "_sid", "SynoToken"}


@dataclass
class FakeDsm:
    """The content of the server, the requests it received, and its next faults.

    `faults` has a list for each method ("list", "download", "login", ...); each request uses up
    one entry: None (answer normally), "expire 106" (end the session), "code 402" (answer an error
    with HTTP 200), "http 502", "page" (answer a proxy's HTML), "drop" (close the connection after
    half the body), "cut" (drop, and end the session), "stall" (send half the body and then
    nothing), "short" (send half the body with its length as Content-Length), "flip" (send another
    last byte), "hang", "lost" (do what was requested, and send no answer).
    """

    share: Share = field(default_factory=Share)
    sign_in: SignIn = field(default_factory=SignIn)
    faults: dict[str, list[str | None]] = field(default_factory=lambda: defaultdict(list))
    requests: list[str] = field(default_factory=list)  # methods, in the order of the requests
    urls: list[str] = field(default_factory=list)
    on_download: Callable[[str], None] = lambda _: None  # called with each path before it is sent
    connections: int = 0  # opened so far
    offers_md5: bool = True
    md5_tasks: dict[str, list[str]] = field(default_factory=dict)  # by task: answers to come, the MD5 last
    stopped: list[str] = field(default_factory=list)  # MD5 tasks that were stopped
    speed_limit: "SpeedLimit | None" = None  # limits the speed of downloads; None: no limit
    port: int = 0
    ca_file: Path | None = None  # the certificate that clients must trust
    released: Event = field(default_factory=Event)  # ends requests that hang
    lock: Lock = field(default_factory=Lock)

    def next_fault(self, method: str) -> str | None:
        with self.lock:
            self.requests.append(method)
            return self.faults[method].pop(0) if self.faults[method] else None

    def md5(self, method: str, *, file_path: str = "", taskid: str = "") -> dict[str, Any]:
        """Answer a request to SYNO.FileStation.MD5: a task is finished at the second question."""
        if not self.offers_md5:
            raise DsmError(102)
        with self.lock:
            if method == "start":
                taskid = f"FileStation_{len(self.md5_tasks)}"
                node = self.share.find(file_path)
                digest = hashlib.md5(node.data * node.repeats, usedforsecurity=False).hexdigest()
                self.md5_tasks[taskid] = ["", digest]
                return {"taskid": taskid}
            if taskid not in self.md5_tasks:
                raise DsmError(599)
            if method == "stop":
                self.stopped.append(taskid)
                return {}
            answers = self.md5_tasks[taskid]
            found = answers.pop(0) if len(answers) > 1 else answers[0]
            return {"finished": True, "md5": found} if found else {"finished": False}


class SpeedLimit:
    """A network of limited speed, shared by all downloads."""

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0
        self._lock = Lock()

    def send(self, number: int) -> None:
        """Wait as long as sending that number of bytes takes."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + number / self._rate
            wait = self._free_at - time.monotonic()
        time.sleep(max(0, wait))


@contextmanager
def running_dsm(dsm: FakeDsm, folder: Path | None = None) -> Iterator[FakeDsm]:
    """Serve a fake DSM on a free TCP port of loopback until the block ends.

    With a folder for its certificate it uses TLS. A login over plain HTTP is slower: it needs an
    RSA key that takes seconds to make.
    """
    server = _Server(("127.0.0.1", 0), _handler(dsm))
    server.daemon_threads = True
    if folder is not None:
        certificate, dsm.ca_file = loopback_certificate(folder)
        server.socket = certificate.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    dsm.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield dsm
    finally:
        dsm.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Log nothing: clients may close their connections."""


def _handler(served: FakeDsm) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        dsm = served

    return Handler


class _Handler(BaseHTTPRequestHandler):
    dsm: FakeDsm
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.dsm.lock:
            self.dsm.connections += 1

    def log_message(self, *_: object) -> None:
        """Log nothing: tests read `requests` and `urls`."""

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._serve(dict(parse_qsl(body, keep_blank_values=True)))

    def _serve(self, fields: dict[str, str]) -> None:
        dsm, parts = self.dsm, urlsplit(self.path)
        dsm.urls.append(self.path)
        fields = dict(parse_qsl(parts.query)) | fields
        method = fields.get("method", "")
        fault = dsm.next_fault(method)
        if fault == "hang":
            dsm.released.wait(30)
            self.close_connection = True
            return
        if fault and fault.startswith("http"):
            self._send(b"Bad gateway", "text/plain", status=int(fault.split()[1]))
            return
        if fault == "page":
            self._send(b"<html>Please sign in to the network</html>", "text/html")
            return
        try:
            self._expire(fault or "")
            self._answer(fields, fault)
        except DsmError as error:
            part = {"code": 1200, "errors": [{"code": error.code}]} if error.within else {"code": error.code}
            self._json({"success": False, "error": part}, fault)

    def _expire(self, fault: str) -> None:
        if fault.startswith("expire"):
            self.dsm.sign_in.sids.clear()
        if fault.startswith(("expire", "code")):
            raise DsmError(int(fault.split()[1]))

    def _answer(self, fields: dict[str, str], fault: str | None) -> None:
        sign_in, api = self.dsm.sign_in, fields["api"]
        if api == "SYNO.API.Info":
            data: Any = {api: {"path": "query.cgi"}, "SYNO.API.Auth": {"maxVersion": sign_in.version}}
        elif api == "SYNO.API.Auth.UIConfig":
            self._json({"success": True, "data": {}}, fault, cookie=f"_SSID={sign_in.cookie()}; path=/")
            return
        elif api == "SYNO.API.Encryption":
            data = sign_in.encryption()
        elif api == "SYNO.API.Auth":
            data = {}
            if fields["method"] == "login":
                data = sign_in.log_in(fields)
            else:
                sign_in.sids.discard(fields["_sid"])
        else:
            if fields.get("_sid") not in sign_in.sids:
                raise DsmError(119)
            values = {name: json.loads(value) for name, value in fields.items() if name not in _PLAIN}
            if fields["method"] == "download":
                self._file(values["path"][0], fault)
                return
            if api == "SYNO.FileStation.MD5":
                data = self.dsm.md5(fields["method"], **values)
            else:
                data = self.dsm.share.answer(fields["method"], values)
        self._json({"success": True, "data": data}, fault)

    def _file(self, path: str, fault: str | None) -> None:
        self.dsm.on_download(path)
        with self.dsm.share.lock:
            node = self.dsm.share.find(path)
            if path in self.dsm.share.unreadable:
                raise DsmError(407)
        kind = "application/octet-stream"
        self._send(node.data, kind, fault=fault, attachment=True, repeats=node.repeats)

    def _json(self, body: dict[str, Any], fault: str | None, cookie: str | None = None) -> None:
        self._send(json.dumps(body).encode(), "application/json; charset=utf-8", fault=fault, cookie=cookie)

    def _send(
        self,
        data: bytes,
        kind: str,
        *,
        status: int = 200,
        fault: str | None = None,
        attachment: bool = False,
        cookie: str | None = None,
        repeats: int = 1,
    ) -> None:
        if fault == "lost":
            self.close_connection = True
            return
        if fault == "cut":
            self.dsm.sign_in.sids.clear()
        if fault == "flip":
            data = data[:-1] + bytes([data[-1] ^ 1])
        sent = data[: len(data) // 2] if fault in _HALF else data
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(sent) if fault == "short" else len(data) * repeats))
        if attachment:
            self.send_header("Content-Disposition", "attachment; filename*=UTF-8''file")
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        with suppress(OSError):
            for _ in range(repeats):
                if attachment and self.dsm.speed_limit is not None:
                    self.dsm.speed_limit.send(len(sent))
                self.wfile.write(sent)
        if fault == "stall":
            self.wfile.flush()
            self.dsm.released.wait(30)
        if fault in {"drop", "cut", "stall"}:
            self.close_connection = True
