"""Work that is repeated in a thread while a test does something else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(step: Callable[[], None], *, seconds: float, join_seconds: float = 60) -> Iterator[None]:
    """Call `step` every `seconds` in a thread until the block ends; its error, if any, is raised then."""
    ended = threading.Event()
    errors: list[Exception] = []

    def run() -> None:
        try:
            while not ended.wait(timeout=seconds):
                step()
        except Exception as error:  # noqa: BLE001 raised at the end of the block
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=join_seconds)
    if errors:
        raise errors[0]
