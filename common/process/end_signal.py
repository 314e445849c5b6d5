"""How a process learns that it shall end."""

import signal
from threading import Event


def ended_by_signal() -> Event:
    """An event that Ctrl-C or SIGTERM sets, instead of ending this process."""
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended
