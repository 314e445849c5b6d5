"""The timers of a home: functions that are started by time get an empty POST."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import urllib3
from apscheduler.schedulers.background import BackgroundScheduler

from common.errors import SettingsError
from common.settings import Settings
from common.tokens import Tokens
from infra.function_card import function_cards


@contextmanager
def running_timers(urls: Mapping[str, str], settings: Settings, *, tokens: Tokens) -> Iterator[None]:
    """Start every function with a timer at its interval; never two runs of one at a time."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    pool = urllib3.PoolManager(maxsize=4, timeout=urllib3.Timeout(connect=3, read=3600), retries=False)
    scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
    for card in function_cards():
        if card.timer is None or (card.function == "poll_nas" and not settings.nas_url):
            continue
        scheduler.add_job(
            _run,
            "interval",
            seconds=getattr(settings, card.timer),
            args=[pool, urls[card.function], tokens],
            max_instances=1,
            coalesce=True,
            next_run_time=datetime.now(UTC),  # whoever has just started it waits for the first look
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


def _run(pool: urllib3.PoolManager, url: str, tokens: Tokens) -> None:
    # The function logs its own faults, and the next run comes.
    with suppress(urllib3.exceptions.HTTPError, SettingsError):
        pool.request("POST", url, headers={"Authorization": f"Bearer {tokens.current}"})
