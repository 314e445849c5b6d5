"""Work that is repeated in a thread while a test does something else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(step: Callable[[], None], *, seconds: float, join_seconds: float = 60) -> Iterator[None]:
    """Call `step` every `seconds` in a thread until the block ends."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(timeout=seconds):
            step()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=join_seconds)
