"""An answer of the object store that is cut short, after however many bytes, is never taken for whole."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from common.errors import TransientError
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.store.object_store import ObjectVersion

_BODY = b"what was put" * 20
_MOST_BYTES, _STEP = 1300, 7  # longer than any answer here


class _Scissors:
    """Passes so many bytes of each answer of a server on, and then closes the connection."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.partition(":")
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.most = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=[client], daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._upstream) as server, suppress(OSError):
            threading.Thread(target=_pump, args=[client, server], daemon=True).start()
            left = self.most
            while left and (data := server.recv(left)):
                client.sendall(data)
                left -= len(data)
            client.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@pytest.fixture
def scissors(endpoints: dict[str, Any]) -> Iterator[_Scissors]:
    """Scissors before the running MinIO."""
    found = _Scissors(endpoints["minio"]["endpoint"])
    yield found
    found.close()


@pytest.fixture
def cut_store(endpoints: dict[str, Any], scissors: _Scissors, monkeypatch: pytest.MonkeyPatch) -> MinioStore:
    """The store behind the scissors; it tries again at once."""
    monkeypatch.setattr("common.store.minio_store._Retry.get_backoff_time", lambda _: 0)
    return MinioStore(**endpoints["minio"] | {"endpoint": scissors.endpoint})


_Ask = Callable[[MinioStore, ObjectVersion], object]
_ASKED: dict[str, _Ask] = {
    "read": lambda store, version: store.read(version),
    "read now": lambda store, version: store.read_now(version.location),
    "stream": lambda store, version: b"".join(store.stream(version)),
    "stat": lambda store, version: store.stat(version.location),
    "put": lambda store, version: store.put(version.location, _BODY, content_type="text/plain"),
    "copy": lambda store, version: store.copy(version, _beside(version), overwrite=True),
    "copy if new": lambda store, version: store.copy(version, _beside(version)),
    "list": lambda store, version: [
        found.version for found in store.list_prefix(version.location.bucket, version.location.key)
    ],
}


def _beside(version: ObjectVersion) -> Location:
    return Location(version.location.bucket, "copied")


@pytest.mark.parametrize("asked", _ASKED)
def test_an_answer_that_is_cut_is_asked_for_again_later(
    asked: str, minio: MinioStore, cut_store: MinioStore, scissors: _Scissors
) -> None:
    """Cut anywhere it is a passing failure; only the whole answer is what it says."""
    bucket = "test-cut-answers"
    minio.ensure_bucket(bucket)
    version = minio.put(Location(bucket, "object"), _BODY, content_type="text/plain")
    right = _ASKED[asked](minio, version)
    refused, keys = 0, []
    for scissors.most in range(0, _MOST_BYTES, _STEP):
        try:
            assert right == _ASKED[asked](cut_store, version)
        except TransientError:
            refused += 1
    assert refused > 10
    assert right == _ASKED[asked](cut_store, version)  # whole by now
    for found in list(minio.list_prefix(bucket, "")):
        keys.append(found.version.location.key)
        minio.delete(found.version)
    minio.client.remove_bucket(bucket)
    assert {"object", "copied"} >= set(keys)
