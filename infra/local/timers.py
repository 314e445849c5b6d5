"""The timers of a home: they send an empty POST to the functions that run at intervals."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Event

import orjson
import urllib3
from apscheduler.schedulers.background import BackgroundScheduler

from common.errors import SettingsError
from common.settings import Settings
from common.tokens import Tokens
from infra.provision.function_card import function_cards


@contextmanager
def running_timers(urls: Mapping[str, str], settings: Settings, *, tokens: Tokens) -> Iterator[None]:
    """Call every function that has a timer at its interval; two runs of one function never overlap."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    pool = urllib3.PoolManager(maxsize=4, timeout=urllib3.Timeout(connect=3, read=3600), retries=False)
    scheduler, ended = BackgroundScheduler(timezone="UTC", daemon=True), Event()
    for card in function_cards():
        if card.timer is None or (card.function == "poll_nas" and not settings.nas_url):
            continue
        scheduler.add_job(
            run_until_finished,
            "interval",
            seconds=getattr(settings, card.timer),
            args=[pool, urls[card.function], tokens, ended],
            max_instances=1,
            coalesce=True,
            next_run_time=datetime.now(UTC),  # the first run is at the start
        )
    scheduler.start()
    try:
        yield
    finally:
        ended.set()
        scheduler.shutdown(wait=False)


def run_until_finished(pool: urllib3.PoolManager, url: str, tokens: Tokens, ended: Event) -> None:
    """Call a function again and again, until it no longer answers that it has `more` to do."""
    # The function logs its own errors, and the timer calls it again.
    with suppress(urllib3.exceptions.HTTPError, SettingsError):
        while not ended.is_set():
            answer = pool.request("POST", url, headers={"Authorization": f"Bearer {tokens.current}"})
            if not _is_unfinished(answer.data):
                return


def _is_unfinished(body: bytes) -> bool:
    with suppress(orjson.JSONDecodeError):
        answer = orjson.loads(body)
        return isinstance(answer, dict) and bool(answer.get("more"))
    return False
