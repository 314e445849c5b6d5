"""The items of a function in a state, and of one cause; as numbers, causes and times."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.database import Database, queries
from functions.review.access.form_fields import is_number

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 50  # items of one page
STATES = ("quarantined", "held", "retry", "waiting", "running", "refused", "done")  # as on the overview
UNSETTLED = "unsettled"  # waiting, running or retry; the oldest first
_OLDEST_FIRST = frozenset({"waiting", "running", "retry", UNSETTLED})


@dataclass(frozen=True)
class ItemFilter:
    """Which items are listed; no cause is no condition."""

    function: str
    state: str
    cause: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "ItemFilter | None":
        """The filter in the query of an address; None if it has no function, or a state that there is not."""
        function, state = values.get("function", ""), values.get("state", "")
        if not function or state not in {*STATES, UNSETTLED}:
            return None
        return cls(function.replace("\0", ""), state, values.get("cause", "").replace("\0", "") or None)

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        cause = {"cause": self.cause} if self.cause else {}
        return {"function": self.function, "state": self.state, **cause}

    @property
    def is_oldest_first(self) -> bool:
        """What waits is listed from the oldest item, everything else from the newest."""
        return self.state in _OLDEST_FIRST


def listed(
    database: Database, chosen: ItemFilter, *, beyond: int | None = None, most: int = PAGE
) -> list[dict[str, Any]]:
    """The items beyond a number, in the order of their numbers."""
    order = "up" if chosen.is_oldest_first else "down"
    parts = ["listed", chosen.state]
    parts += ["cause"] if chosen.cause else []
    parts += [f"beyond_{order}"] if beyond is not None else []
    text = "\n".join(_SQL[part] for part in (*parts, order))
    values = {"function": chosen.function, "state": chosen.state, "cause": chosen.cause, "beyond": beyond}
    return database.all(text, **values, most=most)


def read_beyond(values: Mapping[str, str]) -> int | None:
    """The number at which a page begins, in the query of an address."""
    text = values.get("beyond", "")
    return int(text) if is_number(text) else None
