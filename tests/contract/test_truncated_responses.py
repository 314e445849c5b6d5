"""A response of the object store that is truncated after any number of bytes never counts as complete."""

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
_MAX_BYTES, _STEP = 1300, 7  # longer than any response here


class _TruncatingProxy:
    """Forwards the first bytes of each response of a server, then closes the connection."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.partition(":")
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.limit = 0  # bytes
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=[client], daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._upstream) as server, suppress(OSError):
            threading.Thread(target=_pump, args=[client, server], daemon=True).start()
            left = self.limit
            while left and (data := server.recv(left)):
                client.sendall(data)
                left -= len(data)
            client.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@pytest.fixture
def proxy(endpoints: dict[str, Any]) -> Iterator[_TruncatingProxy]:
    """A truncating proxy in front of the running MinIO."""
    proxy = _TruncatingProxy(endpoints["minio"]["endpoint"])
    yield proxy
    proxy.close()


@pytest.fixture
def truncated_store(
    endpoints: dict[str, Any], proxy: _TruncatingProxy, monkeypatch: pytest.MonkeyPatch
) -> MinioStore:
    """The store behind the proxy; it tries again at once."""
    monkeypatch.setattr("common.store.minio_client.Retry.get_backoff_time", lambda _: 0)
    return MinioStore(**endpoints["minio"] | {"endpoint": proxy.endpoint})


_Request = Callable[[MinioStore, ObjectVersion], object]
_REQUESTS: dict[str, _Request] = {
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


@pytest.mark.parametrize("name", _REQUESTS)
def test_a_truncated_response_is_a_temporary_failure(
    name: str, minio: MinioStore, truncated_store: MinioStore, proxy: _TruncatingProxy
) -> None:
    """Truncated anywhere, it raises TransientError; only the complete response is returned."""
    bucket = "test-truncated-responses"
    minio.ensure_bucket(bucket)
    version = minio.put(Location(bucket, "object"), _BODY, content_type="text/plain")
    expected = _REQUESTS[name](minio, version)
    refused, keys = 0, []
    for proxy.limit in range(0, _MAX_BYTES, _STEP):
        try:
            assert expected == _REQUESTS[name](truncated_store, version)
        except TransientError:
            refused += 1
    assert refused > 10
    assert expected == _REQUESTS[name](truncated_store, version)  # complete by now
    for found in list(minio.list_prefix(bucket, "")):
        keys.append(found.version.location.key)
        minio.delete(found.version)
    minio.client.remove_bucket(bucket)
    assert {"object", "copied"} >= set(keys)
