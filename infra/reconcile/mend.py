"""Mends findings: redraws, restores from a backup, forgets."""

import hashlib
import tarfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from common.errors import ObjectMissingError, PermanentError, SettingsError
from common.reconcile.difference import CHANGED, DAMAGED, MISSING, SURPLUS, Difference, Finding
from common.store.minio_store import MinioStore
from common.store.object_key import (
    HELD,
    INCOMING,
    NAS,
    PROCESSED,
    QUARANTINE,
    RAW,
    SUBOPTIMAL,
    Location,
)
from infra.backup.backup import OBJECTS, read_card, write_object
from infra.reconcile.advice import Advised, is_original
from oversight.decisions.replay import choose_items, put_back

_SQL = queries(Path(__file__).with_suffix(".sql"))


def redraw(connection: psycopg.Connection[Any], store: MinioStore, chosen: Iterable[Advised]) -> int:
    """Put the items and originals of findings into the pipeline again; returns how many."""
    chosen = list(chosen)
    # The first advice alone can have an item to replay.
    numbers = sorted({number for each in chosen if (number := each.advice[0].replayed_item) is not None})
    replayed = choose_items(connection, items=numbers) if numbers else []
    differences = [each.finding.difference for each in chosen]
    for found in differences:
        if found.kind == DAMAGED:
            store.delete_damaged(Location(found.bucket, found.key))
    for item in replayed:
        put_back(connection, store, item)
    reopened = len(replayed)
    for found in differences:
        if found.what == "file item":
            reopened += connection.execute(_SQL["announce_file"], {"file": found.file_id}).rowcount
        elif found.kind == SURPLUS and is_original(found):
            reopened += _put_back_original(connection, store, found)
    connection.commit()
    return reopened


def _put_back_original(connection: psycopg.Connection[Any], store: MinioStore, found: Difference) -> int:
    """Put an object that no item knows where extract takes files."""
    there = Location(found.bucket, found.key)
    key = found.key.removeprefix(f"{RAW}/") if found.bucket == QUARANTINE else found.key
    key = key.removeprefix(PROCESSED).removeprefix(HELD)
    target = Location(RAW, key if key.startswith((NAS, INCOMING)) else INCOMING + key)
    version = store.stat(there)
    if target != there:
        # Its place must be empty before extract gets the copy: extract may move that copy to the same place.
        aside = store.copy(version, Location(RAW, f"{HELD}put-back/{key}"))
        store.delete(version)
        version = aside
    copy = version if target == there else store.copy(version, target)
    if copy.location.key.startswith(NAS):
        values = {"key": copy.location.key, "etag": copy.etag, "size": copy.size}
        connection.execute(_SQL["announce"], values)
    if target != there:
        store.delete(version)
    return 1


def forget(
    connection: psycopg.Connection[Any], store: MinioStore, finding: Finding, *, who: str, why: str
) -> str:
    """Delete a surplus object, or accept that something is gone; returns what was done, in words."""
    found = finding.difference
    if found.kind == SURPLUS:
        with suppress(ObjectMissingError):
            store.delete(store.stat(Location(found.bucket, found.key)))
        connection.execute(_SQL["delete_finding"], {"id": finding.id})
        return "The object is deleted."
    connection.execute(_SQL["forget"], {"id": finding.id, "who": who, "why": why})
    return "It is not reported again."


def restore(
    connection: psycopg.Connection[Any], store: MinioStore, findings: Sequence[Finding], backup: Path
) -> tuple[int, int]:
    """Put missing, changed and damaged objects back from a backup.

    Returns how many, and how many the backup does not have as the rows expect them.
    """
    read_card(backup)
    lacking = [each for each in findings if each.difference.kind in {MISSING, CHANGED, DAMAGED}]
    by_name: dict[str, list[Finding]] = {}
    for finding in lacking:
        for name in _names_in_backup(connection, finding.difference):
            by_name.setdefault(name, []).append(finding)
    restored: set[int] = set()
    try:
        with tarfile.open(backup / OBJECTS) as tar:
            for member in tar:
                for finding in by_name.get(member.name, ()):
                    if finding.id not in restored and _is_restored(
                        connection, store, finding.difference, tar, member
                    ):
                        restored.add(finding.id)
    except (OSError, tarfile.TarError):
        raise SettingsError(f"{backup / OBJECTS} can't be read.") from None
    return len(restored), len(lacking) - len(restored)


def _is_restored(
    connection: psycopg.Connection[Any],
    store: MinioStore,
    found: Difference,
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
) -> bool:
    """Write a member of the archive to the place of a lost object, if it is what the rows expect there."""
    body = cast("BinaryIO", tar.extractfile(member))
    location = {"bucket": found.bucket, "key": found.key}
    expected = connection.cursor(row_factory=dict_row).execute(_SQL["expected"], location).fetchall()
    if not _is_same(body, expected):
        return False
    _write(store, found, body, member.size)
    return True


def _names_in_backup(connection: psycopg.Connection[Any], found: Difference) -> set[str]:
    """Where a backup may hold the object: the pipeline may have moved it since."""
    names = {f"{found.bucket}/{found.key}"}
    if found.what == "image":
        rows = connection.cursor(row_factory=dict_row).execute(_SQL["allocated"], {"key": found.key})
        names |= {f"{bucket}/{found.key}" for row in rows for bucket in (row["allocated_bucket"], SUBOPTIMAL)}
    if found.what == "original" and found.item_id is not None:
        row = connection.cursor(row_factory=dict_row).execute(_SQL["item"], {"id": found.item_id}).fetchone()
        if row:
            rest = row["key"].removeprefix(INCOMING)
            tops = (row["key"], PROCESSED + rest, HELD + rest)
            names |= {f"{RAW}/{key}" for key in tops} | {f"{QUARANTINE}/{RAW}/{row['key']}"}
    return names


def _is_same(body: BinaryIO, expected: Sequence[dict[str, Any]]) -> bool:
    """Whether the content in the backup is the one that the rows expect."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    for piece in iter(lambda: body.read(1024 * 1024), b""):
        md5.update(piece)
        sha256.update(piece)
        size += len(piece)
    body.seek(0)
    return any(
        row["sha256"] == sha256.hexdigest()
        if row["sha256"]
        else row["etag"] in {None, md5.hexdigest()} or ("-" in row["etag"] and row["size"] == size)
        for row in expected
    )


def _write(store: MinioStore, found: Difference, body: BinaryIO, size: int) -> None:
    location = Location(found.bucket, found.key)
    if found.kind == DAMAGED:
        store.delete_damaged(location)
    store.ensure_bucket(location.bucket)
    write_object(store, location, body, size)


def refuse_unknown(numbers: Sequence[int], known: Iterable[int]) -> None:
    """Raise PermanentError for a number that is not of a finding."""
    unknown = sorted(set(numbers) - set(known))
    if unknown:
        raise PermanentError(f"There is no finding {unknown[0]}; dcm2set reconcile lists them.")
