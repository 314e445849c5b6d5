"""The timers of a home: functions that are started by time get an empty POST."""

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
    """Start every function with a timer at its interval; never two runs of one at a time."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    pool = urllib3.PoolManager(maxsize=4, timeout=urllib3.Timeout(connect=3, read=3600), retries=False)
    scheduler, is_over = BackgroundScheduler(timezone="UTC", daemon=True), Event()
    for card in function_cards():
        if card.timer is None or (card.function == "poll_nas" and not settings.nas_url):
            continue
        scheduler.add_job(
            run_on_time,
            "interval",
            seconds=getattr(settings, card.timer),
            args=[pool, urls[card.function], tokens, is_over],
            max_instances=1,
            coalesce=True,
            next_run_time=datetime.now(UTC),  # whoever has just started it waits for the first look
        )
    scheduler.start()
    try:
        yield
    finally:
        is_over.set()
        scheduler.shutdown(wait=False)


def run_on_time(pool: urllib3.PoolManager, url: str, tokens: Tokens, is_over: Event) -> None:
    """One run, and the next at once as long as its time ended before its work (`more`)."""
    # The function logs its own faults, and the next run comes.
    with suppress(urllib3.exceptions.HTTPError, SettingsError):
        while not is_over.is_set():
            answer = pool.request("POST", url, headers={"Authorization": f"Bearer {tokens.current}"})
            if not _is_unfinished(answer.data):
                return


def _is_unfinished(body: bytes) -> bool:
    with suppress(orjson.JSONDecodeError):
        told = orjson.loads(body)
        return isinstance(told, dict) and bool(told.get("more"))
    return False
