"""A pooler that refuses startup options, as PgBouncer does by default."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@contextmanager
def pooled(url: str) -> Iterator[tuple[str, "PgBouncer"]]:
    """Give the URL of a database through such a pooler, and the pooler."""
    parts = conninfo_to_dict(url)
    pooler = PgBouncer((str(parts["host"]), int(parts["port"] or 5432)))
    try:
        yield make_conninfo(url, host="127.0.0.1", port=str(pooler.port)), pooler
    finally:
        pooler.close()


class PgBouncer:
    """Forwards connections to a server, and refuses those with startup options, as PgBouncer does."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.refused = 0
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """End all connections, also of clients that still run."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with ThreadPoolExecutor(100) as threads, suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threads.submit(self._forward, client)

    def _forward(self, client: socket.socket) -> None:
        self._open.add(client)
        with client:
            start = client.recv(4096)
            while len(start) == 8:  # a request for TLS or GSSAPI
                client.sendall(b"N")
                start = client.recv(4096)
            if b"\0options\0" in start:
                self.refused += 1
                text = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
                client.sendall(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
                return
            with socket.create_connection(self._server) as server, ThreadPoolExecutor(1) as back:
                server.sendall(start)
                back.submit(_pump, server, client)
                _pump(client, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
