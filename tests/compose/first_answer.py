"""How long a function takes from its start to its first healthy answer."""

import time
from collections.abc import Callable
from contextlib import suppress

import urllib3

from tests.support.local_home import wait_for


def seconds_to_answer(
    start: Callable[[], object], address: Callable[[], str], *, seconds: float = 30
) -> float | None:
    """Start a function; the seconds until it answers that all it depends on is there, or None."""
    begun = time.perf_counter()
    start()

    def is_well() -> bool:
        with suppress(urllib3.exceptions.HTTPError, ValueError):
            url = f"http://{address()}:8080/"
            return bool(urllib3.request("GET", url, retries=False, timeout=5).json()["status"] == "ok")
        return False

    return time.perf_counter() - begun if wait_for(is_well, seconds=seconds, pause=0.01) else None
