"""The items that a person means by number, cause or device; what is unknown is told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from common.errors import PermanentError
from oversight.decisions.replay import REFUSED, SettledItem, choose_items

_SQL = queries(Path(__file__).with_suffix(".sql"))


class NotChosenError(PermanentError):
    """What a person named is unknown, or not in the state that the command is for; the exit code is 1."""


@dataclass(frozen=True)
class Choice:
    """What a person said about the items that are meant; what is not said is no condition."""

    items: Sequence[int] = ()
    cause: str | None = None
    device: str | None = None
    function: str | None = None
    nothing_found: bool = False  # only those in whose pictures the search found no text

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return not self.items and self.cause is None and self.device is None and not self.nothing_found


def choose_in_state(connection: psycopg.Connection[Any], choice: Choice, state: str) -> list[SettledItem]:
    """The items that are meant, all of them in this state.

    Raises NotChosenError if a number, the cause or the device is unknown, or if no item is meant.
    """
    _check_numbers(connection, choice.items, {state})
    found = choose_items(
        connection,
        items=choice.items,
        state=state,
        function=choice.function,
        cause=choice.cause,
        device=choice.device,
        nothing_found=choice.nothing_found,
    )
    if not found:
        raise NotChosenError(_why_none(connection, choice, state))
    others = sorted({*choice.items} - {item.id for item in found}) if choice.function else []
    if others:
        raise NotChosenError(_ONLY.format(function=choice.function, id=others[0]))
    return found


def check_settled(
    connection: psycopg.Connection[Any], items: Sequence[int], function: str | None, names: Sequence[str]
) -> None:
    """Raise NotChosenError if a number is unknown or its item is in work, or if the function is unknown.

    `names` are those of all functions.
    """
    _check_numbers(connection, items, {"done", "held", "quarantined"})
    if function is not None and function not in names:
        raise NotChosenError(f"There is no function of this name. There are {', '.join(names)}.")


def _check_numbers(connection: psycopg.Connection[Any], items: Sequence[int], states: set[str]) -> None:
    rows = connection.cursor(row_factory=dict_row).execute(_SQL["states"], {"items": list(items)})
    known = {row["id"]: row["state"] for row in rows}
    unknown = [number for number in items if number not in known]
    if unknown:
        raise NotChosenError(f"There is no item {unknown[0]}; dcm2set status shows the numbers.")
    for number in items:
        if known[number] not in states:
            is_told_apart = states != {"refused"} or known[number] in {"running", "retry"}
            told = _OTHERWISE[known[number]] if is_told_apart else _NOT_REFUSED
            raise NotChosenError(told.format(id=number, state=known[number]))


_OUTLOOK = {
    "held": "{number} held item(s): read and searched again, and held again unless a setting or rule has "
    "changed. To let an item pass: dcm2set release.",
    "done": "{number} finished item(s): worked on again. Files are drawn again under the same names, their "
    "images are judged again, and verdicts of persons stay.",
    "quarantined": "{number} quarantined item(s): tried again.",
}


def outlook(items: Sequence[SettledItem]) -> list[str]:
    """What a replay will do with the items, a sentence for each state."""
    numbers = Counter(item.state for item in items)
    return [text.format(number=numbers[state]) for state, text in _OUTLOOK.items() if numbers[state]]


_ONLY = "This is only for items of {function}, and all that is said must be true: item {id} is none."
_IN_WORK = "Item {id} is in the pipeline already; dcm2set trace item-{id} shows it."
_NOT_REFUSED = "Item {id} is not refused: it is {state}; dcm2set trace item-{id} shows how."
_OTHERWISE = {
    "running": _IN_WORK,
    "retry": _IN_WORK,
    "refused": REFUSED,
    "done": "Item {id} is not held: it is done; dcm2set trace item-{id} shows how.",
    "quarantined": "Item {id} is not held but quarantined: fix the cause, then dcm2set replay --item {id}.",
}


def _why_none(connection: psycopg.Connection[Any], choice: Choice, state: str) -> str:
    """The first of the conditions that no item meets, as a sentence."""
    see = "dcm2set status shows what is held and refused."
    if choice.cause is not None and not choose_items(connection, state=state, cause=choice.cause):
        return f"No item is {state} with exactly this cause; {see}"
    if choice.device is not None and not choose_items(connection, state=state, device=choice.device):
        return f"No item is {state} with exactly this device; {see}"
    if choice.function is not None and choose_in_state(connection, replace(choice, function=None), state):
        return _ONLY.format(function=choice.function, id=choice.items[0] if choice.items else "of these")
    return f"No item is {state} that all of this is true of; {see}"
