"""The functions as their trigger.toml files describe them; everything is set up from these files."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
# What a function does with its own rows. It can't release an item or change its function, bucket or key.
CLAIM_AND_SETTLE = (
    "select, "
    "insert (function, bucket, key, etag, size, state, attempts, lease, lease_until, due_at, worker), "
    "update (state, attempts, crashes, lease, lease_until, worker, due_at, outcome, cause, next_step, "
    "text_finding, text_boxes, "
    "sop_instance_uid, patient_id, device, moved_to_bucket, moved_to_key, pending_delete, started_at, "
    "settled_at)"
)
# The columns of a due item that a function inserts for the next function.
ANNOUNCE = "insert (function, bucket, key, etag, size, state, attempts, due_at)"
IMAGES = "images-"  # in trigger files, means the value of DCM2SET_IMAGES_PREFIX


@dataclass(frozen=True)
class FunctionCard:
    """What starts one function, how it is served, and its rights."""

    function: str
    trigger: str
    reads: str
    writes: str
    events: tuple[Mapping[str, Any], ...]  # bucket, prefix, suffix, and whether sweep lists it
    timer: str | None  # name of the field of Settings with its interval in seconds
    workers: int  # upper limit of processes; see workers_here
    threads: int
    first: str | None  # a module whose `start` is called before the function is imported
    # read, write, delete, list, find (whether an object exists):
    # "<bucket>/<key pattern>"; tables, calls, temporary_tables, announces
    access: Mapping[str, Any]
    source: Path  # its main.py

    def workers_here(self) -> int:
        """Processes on this machine: one for every two processors, as two functions do most of the work."""
        return min(self.workers, max(1, (os.cpu_count() or 1) // 2))

    @property
    def tables(self) -> Mapping[str, str]:
        """Its rights on each table, as SQL."""
        named = {"claim and settle": CLAIM_AND_SETTLE, "announce": ANNOUNCE}
        return {table: named.get(rights, rights) for table, rights in self.access.get("tables", {}).items()}


@cache
def function_cards() -> tuple[FunctionCard, ...]:
    """The cards of all functions, ordered by name."""
    return tuple(_card(path) for path in sorted(FUNCTIONS.glob("*/trigger.toml")))


def _card(path: Path) -> FunctionCard:
    card = tomllib.loads(path.read_text(encoding="utf-8"))
    return FunctionCard(
        function=card["function"],
        trigger=card["trigger"],
        reads=card["reads"],
        writes=card["writes"],
        events=tuple(card.get("events", ())),
        timer=card.get("timer", {}).get("every"),
        workers=card["serve"]["workers"],
        threads=card["serve"]["threads"],
        first=card["serve"].get("first"),
        access=card.get("access", {}),
        source=path.with_name("main.py"),
    )
