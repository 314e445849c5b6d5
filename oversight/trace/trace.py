"""Everything that happened to one file or image, from the NAS to its labels, with every attempt."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries
from common.errors import PermanentError
from common.store.object_key import RAW, original_keys
from oversight.trace.conflicts import conflicts_of

_SQL = queries(Path(__file__).with_suffix(".sql"))
_UID = re.compile(r"(?P<uid>[0-9]+(?:\.[0-9]+)+)(?:/(?P<frame>[0-9]+)(?:\.png)?)?$")
_EXPECTED = (
    "Give the number of an item, file-N, item-N, an SOP Instance UID with or without /FRAME, "
    "the UID in the original, s3://BUCKET/KEY, or the path of a file on the NAS."
)
_DEEPEST = 64  # folders of a path that are compared


@dataclass(frozen=True)
class Subject:
    """What is traced."""

    files: tuple[int, ...] = ()  # ids of source_file
    items: tuple[int, ...] = ()  # ids of ledger_item
    uid: str | None = None  # pseudonymous SOP Instance UID
    frame: int | None = None  # None: all frames


def _no_pseudonyms(_uid: str) -> Sequence[str]:
    return ()


def trace(
    connection: psycopg.Connection[DictRow],
    name: str,
    *,
    pseudonyms: Callable[[str], Sequence[str]] = _no_pseudonyms,
) -> dict[str, Any]:
    """Everything that is known of a file, an item, an instance or an image; `connection` reads a snapshot.

    If a UID is not known, it may be that of an original: `pseudonyms` gives what stands for it.
    Raises PermanentError if nothing of that name is known.
    """
    subject = _pseudonymous(connection, find_subject(connection, name.strip()), pseudonyms)
    values = {"uid": subject.uid, "frame": subject.frame, "items": list(subject.items)}
    items = connection.execute(_SQL["items"], values).fetchall()
    numbers = [row["id"] for row in items]
    files = connection.execute(_SQL["file"], {"ids": list(subject.files), "items": numbers}).fetchall()
    if not items and not files:
        raise PermanentError(f"Nothing is known of {name}. {_EXPECTED}")
    attempts = connection.execute(_SQL["attempts"], {"items": numbers}).fetchall()
    overrulings = connection.execute(_SQL["overrulings"], values).fetchall()
    labels = _labels(connection, values)
    return {
        "source": next((row["source"] for row in items if row["source"]), None),
        "files": files,
        "items": [_with_attempts(row, attempts) for row in items],
        "refusals": connection.execute(_SQL["refusals"], {"items": numbers}).fetchall(),
        **conflicts_of(connection, numbers, subject.uid),
        "instance": connection.execute(_SQL["instance"], values).fetchone(),
        "images": [
            row
            | {"overrulings": [each for each in overrulings if each["frame"] == row["frame"]]}
            | {"labels": [each for each in labels if each.get("frame") == row["frame"]]}
            for row in connection.execute(_SQL["images"], values)
        ],
    }


def _pseudonymous(
    connection: psycopg.Connection[DictRow], subject: Subject, pseudonyms: Callable[[str], Sequence[str]]
) -> Subject:
    """The subject with a UID that is known, if its own is that of an original."""
    if subject.uid is None or subject.items or subject.files or is_known(connection, subject.uid):
        return subject
    known = (uid for uid in pseudonyms(subject.uid) if is_known(connection, uid))
    return replace(subject, uid=next(known, subject.uid))


def is_known(connection: psycopg.Connection[DictRow], uid: str) -> bool:
    """Whether this is a pseudonymous SOP Instance UID; the UID of an original is not known."""
    return connection.execute(_SQL["known"], {"uid": uid}).fetchone() is not None


def find_subject(connection: psycopg.Connection[DictRow], name: str) -> Subject:
    """What a name means; raises PermanentError if it is no name, or that of no file."""
    kind, _, number = name.rpartition("-")
    if number.isdecimal() and kind in {"", "item"}:
        return _subject_of_item(connection, int(number), name)
    if number.isdecimal() and kind == "file":
        return _subject_of_files(connection, [int(number)])
    bucket, _, key = name.removeprefix("s3://").partition("/")
    if name.startswith("s3://"):
        found = connection.execute(_SQL["image_at"], {"bucket": bucket, "key": key}).fetchall()
        if found:
            return Subject(uid=found[0]["sop_instance_uid"], frame=found[0]["frame"])
        if bucket == RAW:
            values = {"keys": original_keys(key)}
            return _subject_of_extract_items(connection.execute(_SQL["items_at"], values).fetchall())
    elif files := _files_at(connection, name):
        return _subject_of_files(connection, files)
    uid = _UID.search(name.removesuffix(".json").removesuffix(".dcm"))
    if uid is None and "/" in name:  # it may be a path that names a patient
        raise PermanentError(f"No file of this path is known. {_EXPECTED}")
    if uid is None:
        raise PermanentError(f"{name} does not name a file or image. {_EXPECTED}")
    return Subject(uid=uid["uid"], frame=int(uid["frame"]) if uid["frame"] else None)


def _files_at(connection: psycopg.Connection[DictRow], path: str) -> list[int]:
    """The files at a path of the NAS, the newest first; any mount point may stand before the folder."""
    parts = [part for part in path.split("/") if part not in {"", "."}][-_DEEPEST:]
    folders = parts[:-1] or [""]  # a file directly in the root is in the folder without a name
    paths = ["/".join(parts[place + 1 :]) for place in range(len(parts) - 1)] or parts
    values = {"folders": folders, "paths": paths}
    return [row["id"] for row in connection.execute(_SQL["files_at"], values)]


def _subject_of_files(connection: psycopg.Connection[DictRow], files: Sequence[int]) -> Subject:
    found = connection.execute(_SQL["items_of_file"], {"ids": list(files)}).fetchall()
    return _subject_of_extract_items(found, files=tuple(files))


def _subject_of_item(connection: psycopg.Connection[DictRow], number: int, name: str) -> Subject:
    row = connection.execute(_SQL["item"], {"id": number}).fetchone()
    if row is None:
        raise PermanentError(f"There is no item {name}. {_EXPECTED}")
    uid = row["sop_instance_uid"]
    if uid is None and row["function"] in {"quality", "store_metadata"}:
        found = _UID.search(row["key"].removesuffix(".json"))
        uid = found["uid"] if found else None
    return Subject(items=(number,), uid=uid)


def _subject_of_extract_items(rows: Sequence[DictRow], *, files: tuple[int, ...] = ()) -> Subject:
    uids = [row["sop_instance_uid"] for row in rows if row["sop_instance_uid"]]
    return Subject(files, tuple(row["id"] for row in rows), uids[0] if uids else None)


def _with_attempts(item: DictRow, attempts: Sequence[DictRow]) -> dict[str, Any]:
    """An item with its attempts; the last attempt is stored in the item's own row."""
    before = [
        {k: v for k, v in row.items() if k != "item_id"} for row in attempts if row["item_id"] == item["id"]
    ]
    known = {row["attempt"] for row in before}
    last = {
        "attempt": item["attempts"],
        # A person refuses an item after its attempt has ended.
        "state": "held" if item["state"] == "refused" else item["state"],
        "outcome": item["outcome"],
        "cause": item["cause"],
        "worker": item["worker"],
        "started_at": item["started_at"],
        "ended_at": item["settled_at"],
    }
    # An item without any attempt has no last one, and one that was reopened has it in ledger_attempt.
    every = before if item["attempts"] in {0, *known} else [*before, last]
    return {**item, "attempts": item["attempts"], "each_attempt": every}


def _labels(connection: psycopg.Connection[DictRow], values: dict[str, Any]) -> list[dict[str, Any]]:
    return [row["label"] for row in connection.execute(_SQL["labels"], values)]
