"""The state of the pipeline: items by function and state, the balance, the buckets."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries
from common.store.object_key import HELD, PROCESSED
from common.store.object_store import ListedObject, ObjectStore
from deidentification.pixels.text_search.installed_reader import can_read
from infra.health.stalled import read_stalled
from infra.provision.function_card import FunctionCard, function_cards
from infra.provision.snapshot import read_snapshot
from oversight.drift.newest_week import read_drift

_SQL = queries(Path(__file__).with_suffix(".sql"))
_MOST_LISTED = 10_000  # objects listed below one prefix; of more, only these are counted
_MOST_BUCKETS = 10
_STATES = ("running", "retry", "held", "refused", "quarantined", "done")


def read_status(url: str, store: ObjectStore, *, recount: bool = False) -> dict[str, Any]:
    """Everything that `dcm2set status` shows; all rows come from one snapshot of the database.

    With `recount`, all rows are counted again, and the numbers that differ from the totals are added.
    """
    listed = {card.function: listed_objects(store, card) for card in function_cards() if card.events}
    with read_snapshot(url) as connection:
        counts = {row["function"]: row for row in connection.execute(_SQL["functions"])}
        waiting = {name: [*_unknown_ages(connection, name, objects)] for name, objects in listed.items()}
        uncopied = [float(row["seconds"]) for row in connection.execute(_SQL["not_copied"])]
        functions = [
            # A file that poll_nas has not copied to raw yet also counts as waiting for extract.
            _function(name, counts.get(name, {}), ages + (uncopied if name == "extract" else []))
            for name, ages in waiting.items()
        ]
        balance = connection.execute(_SQL["balance"]).fetchone()
        status = {
            "functions": functions,
            "balance": balance,
            "last_arrived": connection.execute(_SQL["last_arrived"]).fetchone(),
            "labels": connection.execute(_SQL["labels"]).fetchone(),
            "buckets": connection.execute(_SQL["buckets"], {"most": _MOST_BUCKETS}).fetchall(),
            "buckets_in_all": _number(connection, "buckets_in_all"),
            "aside": connection.execute(_SQL["set_aside"]).fetchall(),
            "nas_waiting": connection.execute(_SQL["nas_waiting"]).fetchall(),
            "nas_unknown_marks": _number(connection, "unknown_marks"),
            "nas_refused": connection.execute(_SQL["nas_refused"]).fetchall(),
            "drift": [drift.text for drift in read_drift(connection) if drift.findings],
            "reconciled": connection.execute(_SQL["reconciled"]).fetchone(),
            "stalled": read_stalled(connection, waiting, uncopied=uncopied),
            "can_read_text": can_read(),
        }
        return status | ({"recount": _recount(connection, balance, counts)} if recount else {})


def is_closed(status: dict[str, Any]) -> bool:
    """Whether both differences are 0, and a recount, if there was one, found the same numbers."""
    balance = status["balance"]
    is_balanced = balance["files_difference"] == 0 and balance["images_difference"] == 0
    return bool(is_balanced and not status.get("recount"))


def is_waiting(status: dict[str, Any]) -> bool:
    """Whether anything still waits, runs or will be retried."""
    balance = status["balance"]
    backlog = any(row["waiting"] or row["running"] or row["retry"] for row in status["functions"])
    return bool(backlog or balance["files_waiting"] or balance["images_waiting"])


def listed_objects(store: ObjectStore, card: FunctionCard) -> list[ListedObject]:
    """The objects that users put into the function's buckets; no function announces those in the ledger."""
    found: list[ListedObject] = []
    for event in card.events:
        if not event.get("listed"):
            continue
        prefix = event.get("prefix", "")
        tops = [prefix] if prefix else store.list_top(event["bucket"])
        for top in tops:
            if top not in {PROCESSED, HELD}:
                found += islice(store.list_prefix(event["bucket"], top), _MOST_LISTED)
    return found


def _unknown_ages(
    connection: psycopg.Connection[DictRow], function: str, objects: Iterable[ListedObject]
) -> Iterable[float]:
    """The ages in seconds of objects for which the function has no ledger row."""
    versions = [listed.version for listed in objects]
    values = {
        "function": function,
        "buckets": [version.location.bucket for version in versions],
        "keys": [version.location.key for version in versions],
        "etags": [version.etag for version in versions],
        "since": [listed.last_modified for listed in objects],
    }
    for row in connection.execute(_SQL["unclaimed"], values):
        yield row["seconds"]
    if function == "quality":
        yield from (row["seconds"] for row in connection.execute(_SQL["not_checked"]))


def _function(name: str, counts: dict[str, Any], waiting: list[float]) -> dict[str, Any]:
    ages = [float(age) for age in (counts.get("oldest_seconds"), *waiting) if age is not None]
    return {
        "function": name,
        "waiting": len(waiting) + counts.get("waiting", 0),
        **{state: counts.get(state, 0) for state in _STATES},
        "oldest_waiting_seconds": round(max(ages), 1) if ages else None,
    }


def _number(connection: psycopg.Connection[DictRow], query: str) -> int:
    row = connection.execute(_SQL[query]).fetchone()
    return int(row["number"]) if row else 0


def _recount(
    connection: psycopg.Connection[DictRow], balance: DictRow | None, counts: dict[str, DictRow]
) -> list[dict[str, Any]]:
    """The numbers for which a count of all rows differs from the totals; an empty list if none does."""
    recounted = {row.pop("function"): row for row in connection.execute(_SQL["functions_recount"])}
    found = connection.execute(_SQL["balance_recount"]).fetchone() or {}
    pairs = [("balance", name, (balance or {}).get(name), number) for name, number in found.items()]
    for function in sorted({*recounted, *counts}):
        totals, rows = counts.get(function, {}), recounted.get(function, {})
        pairs += [(function, state, totals.get(state, 0), rows.get(state, 0)) for state in _STATES]
    return [
        {"of": subject, "number": name, "told": total, "counted": counted}
        for subject, name, total, counted in pairs
        if total != counted
    ]
