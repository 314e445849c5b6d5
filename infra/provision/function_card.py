"""The functions as their trigger.toml files tell them; infra sets everything up from these."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
# What a stage does with rows of its own; it never releases an item, nor makes it another's.
CLAIM_AND_SETTLE = (
    "select, "
    "insert (function, bucket, key, etag, size, state, attempts, lease, lease_until, due_at, worker), "
    "update (state, attempts, crashes, lease, lease_until, worker, due_at, outcome, cause, next_step, "
    "sop_instance_uid, patient_id, device, moved_to_bucket, moved_to_key, pending_delete, started_at, "
    "settled_at)"
)
# What is known of an object before its event.
ANNOUNCE = "insert (function, bucket, key, etag, size, state, attempts, due_at)"
IMAGES = "images-"  # stands for the setting DCM2SET_IMAGES_PREFIX in trigger files


@dataclass(frozen=True)
class FunctionCard:
    """What starts one function, how it is served, and what it may touch."""

    function: str
    trigger: str
    reads: str
    writes: str
    events: tuple[Mapping[str, Any], ...]  # bucket, prefix, suffix; listed: sweep looks there too
    timer: str | None  # the settings field that holds its interval in seconds
    workers: int  # at most; see workers_here
    threads: int
    access: Mapping[
        str, Any
    ]  # read, write, delete, list: "<bucket>/<key pattern>"; tables, calls, temporary_tables, announces
    source: Path  # its main.py

    def workers_here(self) -> int:
        """Processes on this machine: one for every two processors, for two functions have most to do."""
        return min(self.workers, max(1, (os.cpu_count() or 1) // 2))

    @property
    def tables(self) -> Mapping[str, str]:
        """What it may do with each table, as Postgres says it."""
        named = {"claim and settle": CLAIM_AND_SETTLE, "announce": ANNOUNCE}
        return {table: named.get(rights, rights) for table, rights in self.access.get("tables", {}).items()}


@cache
def function_cards() -> tuple[FunctionCard, ...]:
    """All functions, by name."""
    return tuple(_card(path) for path in sorted(FUNCTIONS.glob("*/trigger.toml")))


def _card(path: Path) -> FunctionCard:
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return FunctionCard(
        function=told["function"],
        trigger=told["trigger"],
        reads=told["reads"],
        writes=told["writes"],
        events=tuple(told.get("events", ())),
        timer=told.get("timer", {}).get("every"),
        workers=told["serve"]["workers"],
        threads=told["serve"]["threads"],
        access=told.get("access", {}),
        source=path.with_name("main.py"),
    )
