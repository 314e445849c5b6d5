"""Tells functions to work on their due items, and sends them objects that the ledger does not know."""

import ssl
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Protocol

import orjson
import urllib3

from common.errors import SettingsError
from common.process.json_log import log_item
from common.settings import Settings
from common.stage import backlog
from common.store.object_store import ObjectVersion
from common.tls import require_tls, tls_context
from common.tokens import Tokens
from functions.sweep.backlog_drain import MAX_REQUESTS, BacklogAnswer, drain_backlog
from functions.sweep.pending_items import PendingItems
from functions.sweep.sweep_times import RECHECK_SECONDS, UNLIMITED, SweepTimes

_PAUSE_SECONDS = 0.1  # before another request to a function that was full
EVENTS_PER_SWEEP = 1000
_MIN_CONCURRENCY = 4  # requests at a time to each function at first
FUNCTIONS = ("extract", "store_metadata", "quality", "annotations")


class Sender(Protocol):
    """Sends requests to functions."""

    def send(self, function: str, event: Mapping[str, object]) -> str:
        """Send one event; return settled, full, retry, refused or unreachable."""

    def drain(self, function: str, seconds: float) -> BacklogAnswer:
        """Tell a function to work on its due items for so many seconds."""


class HttpSender(Sender):
    """Posts events to the functions' URLs over pooled connections."""

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        tokens: Tokens,
        timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._urls, self._tokens = urls, tokens
        self._pool = urllib3.PoolManager(
            maxsize=MAX_REQUESTS, timeout=timeout, retries=False, ssl_context=tls
        )

    def send(self, function: str, event: Mapping[str, object]) -> str:
        return self._post(function, event)[0]

    def drain(self, function: str, seconds: float) -> BacklogAnswer:
        result, body = self._post(function, backlog.request(seconds))
        if result == "settled":
            answer = orjson.loads(body)
            items = {str(status): int(number) for status, number in answer.get("items", {}).items()}
            return BacklogAnswer(items, has_more=bool(answer.get("more")))
        return BacklogAnswer(is_full=True) if result == "full" else BacklogAnswer({result: 1})

    def _post(self, function: str, body: Mapping[str, object]) -> tuple[str, bytes]:
        """Post a request; return its result in one word, and the body of the answer."""
        if function not in self._urls:
            raise SettingsError(f"DCM2SET_FUNCTION_URLS has no URL of {function}.")
        headers = {"Authorization": f"Bearer {self._tokens.current}", "Content-Type": "application/json"}
        try:
            response = self._pool.request(
                "POST", self._urls[function], body=orjson.dumps(body), headers=headers
            )
        except urllib3.exceptions.HTTPError:
            return "unreachable", b""
        return {200: "settled", 429: "full", 503: "retry"}.get(response.status, "refused"), response.data


def http_sender(config: Settings, tokens: Tokens) -> HttpSender:
    """The sender for the settings; SettingsError if it would send unencrypted over a network."""
    require_tls(config, "function_urls")
    tls = tls_context(config.functions_ca_file, "functions_ca_file")
    return HttpSender(config.function_urls, tokens=tokens, timeout=config.lease_seconds, tls=tls)


def concurrent_requests(config: Settings) -> int:
    """Requests at a time to each function at first: as many as its processes have slots, if that is known."""
    return max(_MIN_CONCURRENCY, (config.workers or 1) * config.at_a_time)


def sweep_once(
    pending: PendingItems, sender: Sender, *, limit: int, concurrency: int, times: SweepTimes = UNLIMITED
) -> Mapping[str, object]:
    """Let every function do its pending work, and return the number of results by function.

    All functions are swept in parallel, so that one with much work does not delay the others. As
    long as one of them has work, all are checked again, because the work of one makes work for the
    next. Work left when the time is over waits for the next sweep, and the answer has `more`.
    """
    started = time.monotonic()
    busy: set[str] = set()  # functions that had work at their last check

    def sweep(function: str) -> Counter[str]:
        return _FunctionSweep(
            pending, sender, function, limit=limit, concurrency=concurrency, started=started, times=times
        ).run(busy)

    with ThreadPoolExecutor(len(FUNCTIONS) + 1) as threads:
        # In parallel with the sweeps, which mostly wait for answers.
        clean_up = threads.submit(pending.clean_up)
        results = threads.map(sweep, FUNCTIONS)
        counts = {function: count for function, count in zip(FUNCTIONS, results, strict=True) if count}
        clean_up.result()
    is_late = time.monotonic() > started + times.seconds
    log_item("sweep", status="done", **{name: dict(count) for name, count in counts.items()})
    if not counts:
        return {"status": "no_updates"}
    answer = {"status": "sent", "functions": {name: dict(count) for name, count in counts.items()}}
    return answer | ({"more": True} if is_late else {})


class _FunctionSweep:
    """The sweep of one function."""

    def __init__(
        self,
        pending: PendingItems,
        sender: Sender,
        function: str,
        *,
        limit: int,
        concurrency: int,
        started: float,
        times: SweepTimes,
    ) -> None:
        self._pending, self._sender, self._function = pending, sender, function
        self._limit, self._concurrency = limit, concurrency
        self._times, self._started, self._deadline = times, started, started + times.seconds
        self._list_at = started  # of time.monotonic()
        self._sent: set[ObjectVersion | None] = set()  # each is sent once in a sweep; None: a run
        self._is_away = Event()  # the function does not answer, and gets no more requests

    def run(self, busy: set[str]) -> Counter[str]:
        """Check and send until no function has work and the watch is over, or the time is over."""
        counts: Counter[str] = Counter()
        while True:
            has_due, missed = self._pending.has_due(self._function), self._find_missed()
            results: Counter[str] = Counter()
            if has_due or missed:
                busy.add(self._function)
                results = (self._drain() if has_due else results) + self._send(missed)
                counts += results
            else:
                busy.discard(self._function)
            is_watching = self._times.is_watching(time.monotonic() - self._started)
            if self._is_away.is_set() or self._is_late() or not (busy or is_watching):
                busy.discard(self._function)
                return counts
            # A function that refuses requests, or whose database is away, must not be asked without a pause.
            if not results.keys() - {"refused", "retry"}:
                time.sleep(RECHECK_SECONDS)

    def _drain(self) -> Counter[str]:
        """Let the function work on its due items, with several requests at a time."""
        if self._is_late():
            return Counter(left=1)
        results = drain_backlog(
            partial(self._sender.drain, self._function),
            least=self._concurrency,
            seconds_left=lambda: self._deadline - time.monotonic(),
        )
        if results["unreachable"]:
            self._is_away.set()
        return results

    def _find_missed(self) -> list[ObjectVersion | None]:
        """What was missed, if it is time for a listing; these cost more than the check for due items."""
        if time.monotonic() < self._list_at:
            return []
        self._list_at = time.monotonic() + self._times.listing_seconds
        missed: list[ObjectVersion | None] = [*self._pending.find_missed(self._function, limit=self._limit)]
        if self._pending.needs_run(self._function):
            missed.append(None)
        return [version for version in missed if version not in self._sent]

    def _send(self, missed: list[ObjectVersion | None]) -> Counter[str]:
        if not missed:
            return Counter()
        with ThreadPoolExecutor(self._concurrency) as threads:
            results = Counter(threads.map(self._send_one, missed))
        self._sent.update(missed)
        return results

    def _send_one(self, version: ObjectVersion | None) -> str:
        event = {} if version is None else _event(version)
        while not self._is_away.is_set() and not self._is_late():
            result = self._sender.send(self._function, event)
            if result == "unreachable":
                self._is_away.set()
            if result != "full":
                return result
            self._is_away.wait(_PAUSE_SECONDS)
        return "left"

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline


def _event(version: ObjectVersion) -> dict[str, object]:
    location = version.location
    return {
        "bucket": location.bucket,
        "key": location.key,
        "etag": version.etag,
        "size": version.size,
    }
