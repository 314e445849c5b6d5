"""The state of the line: backlog per function, the balance, the buckets."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from common.database import queries
from common.store.object_key import HELD, PROCESSED
from common.store.object_store import ListedObject, ObjectStore
from infra.health.stalled import read_stalled
from infra.provision.function_card import FunctionCard, function_cards

_SQL = queries(Path(__file__).with_suffix(".sql"))
_MOST_LISTED = 10_000  # objects that wait for one function; more are told as "at least"
_MOST_BUCKETS = 10
_STATES = ("running", "retry", "held", "quarantined", "done")


def read_status(url: str, store: ObjectStore, *, recount: bool = False) -> dict[str, Any]:
    """Everything that `dcm2set status` tells; the database's part in one snapshot.

    With `recount`, what is summed up is counted again from all rows, and differences are told.
    """
    listed = {card.function: _listed(store, card) for card in function_cards() if card.events}
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        counts = {row["function"]: row for row in connection.execute(_SQL["functions"])}
        waiting = {name: [*_unclaimed(connection, name, objects)] for name, objects in listed.items()}
        uncopied = [float(row["seconds"]) for row in connection.execute(_SQL["not_copied"])]
        functions = [
            # A file that is not in raw yet waits for extract, whoever has to bring it there.
            _function(name, counts.get(name, {}), ages + (uncopied if name == "extract" else []))
            for name, ages in waiting.items()
        ]
        balance = connection.execute(_SQL["balance"]).fetchone()
        told = {
            "functions": functions,
            "balance": balance,
            "last_arrived": connection.execute(_SQL["last_arrived"]).fetchone(),
            "labels": connection.execute(_SQL["labels"]).fetchone(),
            "buckets": connection.execute(_SQL["buckets"], {"most": _MOST_BUCKETS}).fetchall(),
            "buckets_in_all": _number(connection, "buckets_in_all"),
            "aside": connection.execute(_SQL["aside"]).fetchall(),
            "stalled": read_stalled(connection, waiting, uncopied=uncopied),
        }
        return told | ({"recount": _recount(connection, balance, counts)} if recount else {})


def is_closed(status: dict[str, Any]) -> bool:
    """Whether both differences are 0, and a recount, if there was one, found the same numbers."""
    balance = status["balance"]
    is_balanced = balance["files_difference"] == 0 and balance["images_difference"] == 0
    return bool(is_balanced and not status.get("recount"))


def is_waiting(status: dict[str, Any]) -> bool:
    """Whether anything is still under way."""
    balance = status["balance"]
    backlog = any(row["waiting"] or row["running"] or row["retry"] for row in status["functions"])
    return bool(backlog or balance["files_waiting"] or balance["images_waiting"])


def _listed(store: ObjectStore, card: FunctionCard) -> list[ListedObject]:
    """What lies where nobody announces it; all else is in the ledger."""
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


def _unclaimed(
    connection: psycopg.Connection[DictRow], function: str, objects: Iterable[ListedObject]
) -> Iterable[float]:
    """The ages in seconds of what no ledger row of the function knows."""
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
    """Each number that a count over all rows finds otherwise than the sums say; none, if all is well."""
    again = {row.pop("function"): row for row in connection.execute(_SQL["functions_recount"])}
    found = connection.execute(_SQL["balance_recount"]).fetchone() or {}
    pairs = [("balance", name, (balance or {}).get(name), number) for name, number in found.items()]
    for function in sorted({*again, *counts}):
        told, counted = counts.get(function, {}), again.get(function, {})
        pairs += [(function, state, told.get(state, 0), counted.get(state, 0)) for state in _STATES]
    return [
        {"of": of, "number": name, "told": told, "counted": counted}
        for of, name, told, counted in pairs
        if told != counted
    ]
