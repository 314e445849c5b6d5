"""A relay answers like the server behind it, also when there is none."""

import socket
from contextlib import suppress

from tests.faults.tcp_relay import TcpRelay
from tests.support.free_ports import free_ports


def _answer(client: socket.socket) -> bytes:
    with suppress(ConnectionResetError):  # this, or the end of the connection
        return client.recv(1)
    return b""


def test_a_connection_ends_when_there_is_no_server() -> None:
    """A client must not wait for an answer that cannot come, for example while a server restarts."""
    relay = TcpRelay(free_ports(1)[0]).start()
    try:
        with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert _answer(client) == b""
    finally:
        relay.close()
