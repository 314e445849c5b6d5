"""Tells systemd how far the service is (sd_notify(3)); nothing without a service manager."""

import os
import socket
from contextlib import suppress

READY, STOPPING = "READY=1", "STOPPING=1"
_VARIABLE = "NOTIFY_SOCKET"


def has_service_manager() -> bool:
    """Whether a service manager started this process and waits for its messages."""
    return bool(os.environ.get(_VARIABLE))


def tell_service_manager(state: str) -> None:
    """Send a state; a service manager that is away is no reason to end."""
    address = os.environ.get(_VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
