"""TCP ports on loopback that nothing listens on."""

import socket
from contextlib import ExitStack


def free_ports(number: int) -> list[int]:
    """Different free ports."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """A free port."""
    return free_ports(1)[0]
