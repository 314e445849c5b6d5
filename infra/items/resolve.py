"""A person's decision between files that contradict one another: one stands, the other is withdrawn.

One transaction withdraws all rows and notes every object that must be deleted. While such a note exists,
nobody can extract the instance. Then the objects are deleted, and at last the file that stands is put back.
The command continues from any point at which it was interrupted.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, class_row, dict_row

from common.database import queries
from common.errors import ObjectMissingError, PermanentError, TransientError
from common.store.minio_store import MinioStore
from common.store.object_key import LABELLING, Location
from infra.erasure.erase import frozen_exports, wait_for_claims
from infra.erasure.instance_rows import delete_instances
from oversight.audit.audit_log import AuditEvent, record
from oversight.decisions.replay import REFUSED, SettledItem, choose_items, move_back, put_back
from oversight.trace.conflicts import CONTRADICTED

_SQL = queries(Path(__file__).with_suffix(".sql"))
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Decision:
    """What a person decided about an item that was set aside for a conflict."""

    item: int
    keep: str  # this or other
    why: str
    who: str
    seconds: float = 60  # to wait for work on the items


@dataclass
class Resolution:
    """What came of a decision."""

    standing: list[int]  # items
    withdrawn: list[int]
    is_repeated: bool = False  # whether it was decided so before
    objects: int = 0  # deleted
    frozen_exports: list[str] = field(default_factory=list)  # with the patients withdrawn; not changed


def resolution_text(result: Resolution) -> str:
    """The result as sentences."""
    standing, withdrawn = (
        ", ".join(map(str, items)) or "none" for items in (result.standing, result.withdrawn)
    )
    lines = [f"Standing: item {standing}. Withdrawn: item {withdrawn}; {result.objects} object(s) deleted."]
    if result.is_repeated:
        lines.insert(0, "This was decided before.")
    if result.frozen_exports:
        lines.append(f"Frozen training sets are not changed: {', '.join(result.frozen_exports)}.")
    return "\n".join(lines)


def resolve(connection: psycopg.Connection[Any], store: MinioStore, decision: Decision) -> Resolution:
    """Let one of the contradicting files stand, and withdraw the others.

    Raises PermanentError if the item contradicts nothing, TransientError if an item is still being worked
    on; then nothing was changed.
    """
    connection.row_factory = dict_row
    last = _one(connection, "last_resolution", item=decision.item)
    if last is not None and last["finished_at"] is None:
        if last["kept"] != decision.keep:
            raise PermanentError(
                f"An earlier decision, --keep {last['kept']}, is not finished: run it again first."
            )
        return _finished(connection, store, decision, last, is_repeated=True)
    conflict = _one(connection, "conflict", item=decision.item)
    if conflict is not None and conflict["state"] == "refused" and decision.keep == "this":
        raise PermanentError(REFUSED.format(id=decision.item))
    is_withdrawn = conflict is not None and conflict["withdrawn_at"] is not None
    is_same = is_withdrawn if decision.keep == "other" else conflict is None
    if last is not None and last["kept"] == decision.keep and is_same:
        connection.commit()
        return _result(decision, [decision.item], last["others"], is_repeated=True)
    if conflict is None or (is_withdrawn and decision.keep == "other"):
        raise PermanentError(f"There is nothing to decide about item {decision.item}: no open conflict.")
    deadline = time.monotonic() + decision.seconds
    while (begun := _begun(connection, store, decision, conflict)) is None:
        connection.rollback()
        if time.monotonic() > deadline:
            raise TransientError(
                "Some of the items are still being worked on. Nothing was changed; try again."
            )
        time.sleep(_POLL_SECONDS)
    return _finished(connection, store, decision, begun, is_repeated=False)


def _begun(
    connection: psycopg.Connection[Any], store: MinioStore, decision: Decision, conflict: DictRow
) -> DictRow | None:
    """The committed decision; None while an item is being worked on."""
    batches = [top.rstrip("/") for top in store.list_top(LABELLING)]
    connection.execute(_SQL["lock_parents"])
    own = [row["item_id"] for row in connection.execute(_SQL["same_content"], conflict)]
    contradicted = connection.execute(CONTRADICTED, conflict).fetchall()
    instances = [row["sop_instance_uid"] for row in contradicted]
    files = [row["id"] for row in connection.execute(_SQL["files"], {"instances": instances})]
    values: dict[str, Any] = {"instances": instances, "items": [*own, *files], "batches": batches}
    locked = connection.execute(_SQL["lock_items"], values).fetchall()
    if any(row["is_worked_on"] for row in locked) or any(row["key"] is None for row in contradicted):
        return None
    if decision.keep == "other":
        if not files:
            raise PermanentError(f"No other file stands for item {decision.item}; use --keep this.")
        _withdraw_files(connection, own, standing=files)
    else:
        _withdraw_instances(
            connection, values | {"items": files}, contradicted, [row["id"] for row in locked]
        )
        _withdraw_files(connection, files, standing=own)
        connection.execute(_SQL["reopen_conflicts"], {"items": own})
        connection.execute(_SQL["say_unfinished"], {"items": own})
    kept = {"item": decision.item, "kept": decision.keep, "others": files}
    connection.execute(_SQL["insert_resolution"], {**kept, "why": decision.why, "who": decision.who})
    event = AuditEvent(
        decision.who, "shell", "resolve", item_id=decision.item, why=decision.why, details=kept
    )
    record(connection, event)
    connection.commit()
    return _one(connection, "last_resolution", item=decision.item)


def _withdraw_files(
    connection: psycopg.Connection[Any], items: Sequence[int], *, standing: Sequence[int]
) -> None:
    numbers = " ".join(f"item {number}" for number in standing[:1])
    connection.execute(_SQL["withdraw_conflicts"], {"items": list(items)})
    connection.execute(_SQL["withdraw_items"], {"items": list(items), "standing": numbers})


def _withdraw_instances(
    connection: psycopg.Connection[Any],
    values: dict[str, Any],
    rows: Sequence[DictRow],
    locked: Sequence[int],
) -> None:
    """Delete the rows of instances, hold their labels, and note their objects."""
    paths = [row["key"].split("/") for row in rows]
    parents = {
        name: sorted({path[at] for path in paths})
        for at, name in enumerate(("patients", "studies", "series"))
    }
    for name in (
        "insert_objects",
        "note_withdrawn",
        "lock_held_labels",
        "count_held",
        "hold_labels",
        "hold_answers",
    ):
        connection.execute(_SQL[name], values)
    delete_instances(connection, values["instances"])
    connection.execute(_SQL["delete_later_items"], {"items": list(locked)})
    for name in ("delete_series", "delete_study", "delete_patient", "forget_parents"):
        connection.execute(_SQL[name], parents)


def _finished(
    connection: psycopg.Connection[Any],
    store: MinioStore,
    decision: Decision,
    begun: DictRow,
    *,
    is_repeated: bool,
) -> Resolution:
    """Delete the noted objects and put back what stands."""
    result = _result(decision, [decision.item], begun["others"], is_repeated=is_repeated)
    if decision.keep == "this":
        # A worker that was claimed before may still write objects of what was withdrawn.
        wait_for_claims(connection, time.monotonic() + decision.seconds)
        withdrawn = {"items": begun["others"]}
        for row in connection.execute(_SQL["objects"], withdrawn).fetchall():
            result.objects += _is_deleted(store, Location(row["bucket"], row["key"]))
            connection.execute(_SQL["delete_object"], {"bucket": row["bucket"], "key": row["key"]})
            connection.commit()
        result.standing = _put_back(connection, store, decision.item)
        patients = connection.execute(_SQL["patients"], withdrawn).fetchall()
        for row in patients:
            result.frozen_exports += frozen_exports(connection, row["patient_id"])
    connection.execute(_SQL["finish"], {"resolution": begun["id"]})
    connection.commit()
    return result


def _put_back(connection: psycopg.Connection[Any], store: MinioStore, number: int) -> list[int]:
    """Put the files of the content that stands back into the pipeline; returns their items."""
    conflict = _one(connection, "conflict", item=number)
    if conflict is None:  # it was put back before, and extracted since
        return [number]
    items = [row["item_id"] for row in connection.execute(_SQL["same_content"], conflict)]
    for item in choose_items(connection, items=items):
        put_back(connection, store, item)
    reopened = connection.cursor(row_factory=class_row(SettledItem)).execute(
        _SQL["reopened"], {"items": items}
    )
    for item in reopened.fetchall():
        move_back(connection, store, item)
    return items


def _result(decision: Decision, own: list[int], others: list[int], *, is_repeated: bool) -> Resolution:
    standing, withdrawn = (own, others) if decision.keep == "this" else (others, own)
    return Resolution(list(standing), list(withdrawn), is_repeated=is_repeated)


def _one(connection: psycopg.Connection[Any], name: str, **values: object) -> DictRow | None:
    row: DictRow | None = connection.execute(_SQL[name], values).fetchone()
    return row


def _is_deleted(store: MinioStore, location: Location) -> bool:
    try:
        store.delete(store.stat(location))
    except ObjectMissingError:
        return False
    return True
