"""Rows of erasures in every state."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

_DONE = {"objects": {"images-1": 12, "raw": 3}, "rows": {"image": 12, "ledger_item": 3}, "locked": []}
_LEFT = {"objects": {"raw": 3}, "copied_elsewhere": ["raw"], "frozen_exports": ["chest v2"], "label_files": 1}
_STATES: tuple[dict[str, Any], ...] = (
    {"state": "done", "attempts": 1, "outcome": _DONE},
    {"state": "done", "attempts": 2, "outcome": _LEFT},
    {"state": "failed", "attempts": 1, "cause": "Unexpected KeyError."},
    {"withdrawn_by": "otto"},
    {},  # it waits, and is carried out
)
_INSERT = """
insert into erasure_request (patient_id, who, why, state, attempts, outcome, cause, withdrawn_by,
    withdrawn_at, finished_at)
select 'P' || lpad('1', 20, '0'), 'olga', 'Consent withdrawn.', state, %(attempts)s, %(outcome)s, %(cause)s,
    by, case when by is not null then now() end, case when state <> 'waiting' then now() end
from (values (%(state)s::text, %(withdrawn_by)s::text)) as each (state, by) on conflict do nothing"""


def insert_erasures(url: str) -> None:
    """One erasure in each state, of a patient of whom nothing is known."""
    usual = {"state": "waiting", "attempts": 0, "outcome": None, "cause": None, "withdrawn_by": None}
    with psycopg.connect(url) as connection:
        for values in _STATES:
            row = usual | values
            outcome = None if row["outcome"] is None else Jsonb(row["outcome"])
            connection.execute(_INSERT, row | {"outcome": outcome})
