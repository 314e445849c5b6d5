"""Asking functions for what is due, and sending them what the ledger does not know, over HTTP."""

import math
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

import orjson
import urllib3

from common.errors import SettingsError
from common.http.tls import require_tls, tls_context
from common.process.json_log import log_item
from common.settings import Settings
from common.stage import backlog
from common.store.object_store import ObjectVersion
from common.tokens import Tokens
from functions.sweep.pending_items import PendingItems

_PAUSE_SECONDS = 0.1  # before a function that is full is asked again
_LOOK_SECONDS = 0.5  # before another look, while other functions make work
OWNERS = ("extract", "store_metadata", "quality", "annotations")


@dataclass(frozen=True)
class Asked:
    """What a function did with what was due."""

    items: Mapping[str, int] = field(default_factory=dict)  # how many ended how; none if it had no place
    has_more: bool = False  # its time was over first


class Sender(Protocol):
    """Sends one event to a function, or asks it for what is due."""

    def send(self, function: str, event: Mapping[str, object]) -> str:
        """What became of it, in one word."""

    def ask(self, function: str) -> Asked:
        """Have it take what is due, for as long as one request may last."""


class HttpSender(Sender):
    """Posts events to the functions' URLs, over kept connections."""

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        tokens: Tokens,
        timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._urls, self._tokens = urls, tokens
        self._pool = urllib3.PoolManager(maxsize=16, timeout=timeout, retries=False, ssl_context=tls)

    def send(self, function: str, event: Mapping[str, object]) -> str:
        return self._posted(function, event)[0]

    def ask(self, function: str) -> Asked:
        word, body = self._posted(function, backlog.REQUEST)
        if word == "settled":
            told = orjson.loads(body)
            items = {str(status): int(number) for status, number in told.get("items", {}).items()}
            return Asked(items, has_more=bool(told.get("more")))
        return Asked() if word == "full" else Asked({word: 1})

    def _posted(self, function: str, body: Mapping[str, object]) -> tuple[str, bytes]:
        """What became of a request, in one word, and the answer's body."""
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
    """The sender that the settings tell of; SettingsError if it would send in the clear."""
    require_tls(config, "function_urls")
    tls = tls_context(config.functions_ca_file, "functions_ca_file")
    return HttpSender(config.function_urls, tokens=tokens, timeout=config.lease_seconds, tls=tls)


def sweep_once(
    pending: PendingItems, sender: Sender, *, limit: int, concurrency: int, seconds: float = math.inf
) -> Mapping[str, object]:
    """Have done what is pending, and tell what came of it per function.

    The functions are sent to side by side, so that one with much to do keeps none waiting. As long
    as anything was found for one of them, all are looked at again: what one makes is the next one's
    work. What is not sent within `seconds` is left to the next sweep, and `more` says so.
    """
    deadline = time.monotonic() + seconds
    busy: set[str] = set()  # functions that something was found for in their last look

    def feed(function: str) -> Counter[str]:
        feeder = _Feeder(pending, sender, function, limit=limit, concurrency=concurrency, deadline=deadline)
        return feeder.run(busy)

    with ThreadPoolExecutor(len(OWNERS) + 1) as threads:
        # Beside the others: after them, they would have nothing to do meanwhile.
        tidied = threads.submit(pending.tidy)
        sent = threads.map(feed, OWNERS)
        counts = {function: count for function, count in zip(OWNERS, sent, strict=True) if count}
        tidied.result()
    is_late = time.monotonic() > deadline
    log_item("sweep", status="done", **{name: dict(count) for name, count in counts.items()})
    if not counts:
        return {"status": "no_updates"}
    told = {"status": "sent", "functions": {name: dict(count) for name, count in counts.items()}}
    return told | ({"more": True} if is_late else {})


class _Feeder:
    """Has one function do what is pending for it."""

    def __init__(
        self,
        pending: PendingItems,
        sender: Sender,
        function: str,
        *,
        limit: int,
        concurrency: int,
        deadline: float,
    ) -> None:
        self._pending, self._sender, self._function = pending, sender, function
        self._limit, self._concurrency, self._deadline = limit, concurrency, deadline
        self._sent: set[ObjectVersion | None] = set()  # each once in a sweep; None: a run
        self._is_away = Event()  # it does not answer, and is sent no more

    def run(self, busy: set[str]) -> Counter[str]:
        """Look and send until nothing is found for any function, or the time is over."""
        counts: Counter[str] = Counter()
        while True:
            has_due, found = self._pending.has_due(self._function), self._find()
            told: Counter[str] = Counter()
            if has_due or found:
                busy.add(self._function)
                told = (self._asked() if has_due else told) + self._send(found)
                counts += told
            else:
                busy.discard(self._function)
            if self._is_away.is_set() or self._is_late() or not busy:
                busy.discard(self._function)
                return counts
            if not told:
                time.sleep(_LOOK_SECONDS)

    def _asked(self) -> Counter[str]:
        """What is due, taken by the function itself, in several of its places at a time."""
        if self._is_late():
            return Counter(left=1)
        with ThreadPoolExecutor(self._concurrency) as askers:
            answers = [askers.submit(self._ask) for _ in range(self._concurrency)]
            told = sum((answer.result() for answer in answers), Counter[str]())
        if told["unreachable"]:
            self._is_away.set()
        return told

    def _ask(self) -> Counter[str]:
        """One request after the other for as long as there is more, so that its place is never empty."""
        told: Counter[str] = Counter()
        while True:
            answer = self._sender.ask(self._function)
            told.update(answer.items)
            if not answer.has_more or self._is_late():
                return told

    def _find(self) -> list[ObjectVersion | None]:
        found: list[ObjectVersion | None] = [*self._pending.find(self._function, limit=self._limit)]
        if self._pending.asks_for_run(self._function):
            found.append(None)
        return [each for each in found if each not in self._sent]

    def _send(self, found: list[ObjectVersion | None]) -> Counter[str]:
        if not found:
            return Counter()
        with ThreadPoolExecutor(self._concurrency) as workers:
            answers = Counter(workers.map(self._send_one, found))
        self._sent.update(found)
        return answers

    def _send_one(self, version: ObjectVersion | None) -> str:
        event = {} if version is None else _event(version)
        while not self._is_away.is_set() and not self._is_late():
            answer = self._sender.send(self._function, event)
            if answer == "unreachable":
                self._is_away.set()
            if answer != "full":
                return answer
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
