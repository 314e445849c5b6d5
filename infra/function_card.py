"""The functions as their trigger.toml files tell them; infra sets everything up from these."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
IMAGES = "images-"  # stands for the setting DCM2SET_IMAGES_PREFIX in trigger files


@dataclass(frozen=True)
class FunctionCard:
    """What starts one function, how it is served, and what it may touch."""

    function: str
    trigger: str
    reads: str
    writes: str
    events: tuple[Mapping[str, str], ...]  # bucket, prefix, suffix
    timer: str | None  # the settings field that holds its interval in seconds
    workers: int
    threads: int
    access: Mapping[str, Any]  # read, write, delete: "<bucket>/<key pattern>"; list: buckets; tables
    source: Path  # its main.py


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
