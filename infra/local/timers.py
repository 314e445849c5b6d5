"""The timers: they send an empty POST to the functions that run at intervals."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread

import orjson
import urllib3

from common.errors import SettingsError
from common.settings import Settings
from common.tokens import Tokens
from infra.provision.function_card import function_cards

_SIGN_OF_LIFE = Path(tempfile.gettempdir()) / "dcm2set-timers"
_SIGN_SECONDS = 5.0


@contextmanager
def running_timers(urls: Mapping[str, str], settings: Settings, *, tokens: Tokens) -> Iterator[None]:
    """Call every function that has a timer at its interval; two runs of one function never overlap."""
    pool, ended = _pool(), Event()
    for card in function_cards():
        if card.timer is None or (card.function == "poll_nas" and not settings.nas_url):
            continue
        run = partial(run_until_finished, pool, urls[card.function], tokens, ended)
        Thread(target=_repeat, args=(run, getattr(settings, card.timer), ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=4, timeout=urllib3.Timeout(connect=3, read=3600), retries=False)


def _repeat(run: Callable[[], object], seconds: float, ended: Event) -> None:
    """Run at once, and then at every multiple of the interval at which no run lasts."""
    due = time.monotonic()
    while not ended.wait(max(0.0, due - time.monotonic())):
        with suppress(Exception):  # whatever a run ends with, the next one may succeed
            run()
        due += seconds * (1 + (time.monotonic() - due) // seconds)


def run_until_finished(pool: urllib3.PoolManager, url: str, tokens: Tokens, ended: Event) -> bool:
    """Call a function again and again, until it no longer answers that it has `more` to do.

    Returns whether its last answer was good.
    """
    # The function logs its own errors, and the timer calls it again.
    with suppress(urllib3.exceptions.HTTPError, SettingsError):
        while not ended.is_set():
            answer = pool.request("POST", url, headers={"Authorization": f"Bearer {tokens.current}"})
            if not _is_unfinished(answer.data):
                return answer.status == HTTPStatus.OK
    return False


def _is_unfinished(body: bytes) -> bool:
    with suppress(orjson.JSONDecodeError):
        answer = orjson.loads(body)
        return isinstance(answer, dict) and bool(answer.get("more"))
    return False


def run_alone(settings: Settings, *, tokens: Tokens, ended: Event) -> None:
    """Run the timers of functions that run elsewhere until `ended` is set.

    Raises SettingsError if a function that has a timer has no URL.
    """
    urls = settings.function_urls
    if missing := [card.function for card in function_cards() if card.timer and card.function not in urls]:
        raise SettingsError(f"DCM2SET_FUNCTION_URLS has no URL of {', '.join(missing)}.")
    with running_timers(urls, settings, tokens=tokens):
        while True:
            _SIGN_OF_LIFE.touch()
            if ended.wait(_SIGN_SECONDS):
                return


def call_once(function: str, settings: Settings, *, tokens: Tokens, ended: Event) -> bool:
    """Call one function until it has no more to do; returns whether its last answer was good.

    Raises SettingsError if the function has no timer or no URL. Without a NAS, poll_nas is not called.
    """
    if function not in {card.function for card in function_cards() if card.timer}:
        raise SettingsError(f"{function} does not run at intervals.")
    if function not in settings.function_urls:
        raise SettingsError(f"DCM2SET_FUNCTION_URLS has no URL of {function}.")
    if function == "poll_nas" and not settings.nas_url:
        return True
    return run_until_finished(_pool(), settings.function_urls[function], tokens, ended)


def are_running() -> bool:
    """Whether a process with the same temporary folder runs the timers."""
    with suppress(FileNotFoundError):
        return time.time() - _SIGN_OF_LIFE.stat().st_mtime < 4 * _SIGN_SECONDS
    return False
