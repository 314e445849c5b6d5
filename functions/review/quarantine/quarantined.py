"""The quarantined items as the page lists them, and putting them back into the pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from common.database import Database, queries
from common.errors import DependencyAwayError, PipelineError
from common.store.object_store import ObjectStore
from oversight.decisions.replay import choose_items, replay

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 50  # items of one page of the list
AT_ONCE = 100  # items that one form puts back: each is a copy in the object store


@dataclass(frozen=True)
class Group:
    """What items have in common; None is no condition."""

    function: str | None = None
    cause: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Group":
        """The group in the query of an address, or in a form."""
        return cls(values.get("function") or None, values.get("cause") or None)

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        named = (("function", self.function), ("cause", self.cause))
        return {name: value for name, value in named if value}


@dataclass
class Replayed:
    """What came of a replay."""

    number: int = 0  # items that were put back
    failures: list[tuple[int, str]] = field(default_factory=list)  # the others, with the reason


def groups(database: Database) -> list[dict[str, Any]]:
    """The number of items by function, cause and next step, the largest first."""
    return database.all(_SQL["groups"])


def listed(database: Database, group: Group, *, after: int = 0, most: int = PAGE) -> list[dict[str, Any]]:
    """Items in order of their numbers, from the first one after `after`."""
    values = {"function": group.function, "cause": group.cause}
    return database.all(_SQL["listed"], **values, after=after, most=most)


def put_back_all(
    connection: psycopg.Connection[Any], store: ObjectStore, numbers: Sequence[int], *, who: str
) -> Replayed:
    """Put back items that are still quarantined, one by one; a failure of one does not stop the others.

    If the object store or the database does not answer, the rest is not tried.
    """
    result = Replayed()
    chosen = {item.id: item for item in choose_items(connection, items=numbers, state="quarantined")}
    for number in numbers:
        if number not in chosen:
            result.failures.append((number, "It is no longer quarantined."))
            continue
        try:
            replay(connection, store, chosen[number], who=who, via="page")
            result.number += 1
        except PipelineError as error:
            connection.rollback()
            result.failures.append((number, str(error)))
            if isinstance(error, DependencyAwayError):
                left = len(numbers) - result.number - len(result.failures)
                result.failures += [(0, f"{left} more were not tried.")] if left else []
                break
    return result
