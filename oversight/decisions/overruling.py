"""The verdicts of persons, and the moves that follow from a new verdict."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from common.database import queries
from common.errors import ConflictError, ObjectMissingError, PermanentError
from common.store.object_key import SUBOPTIMAL, Location
from common.store.object_store import ObjectStore
from model.limits import Limits
from model.verdict import STAYING, Judgement, Verdict
from oversight.audit.audit_log import AuditEvent, Via, record

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class JudgedImage:
    """An image with its current verdict."""

    sop_instance_uid: str
    frame: int
    allocated_bucket: str
    bucket: str
    key: str
    modality: str | None
    verdict: Verdict
    by_model: Verdict
    score: float
    mean_grey: float
    features: dict[str, float]
    model_version: str  # of the model that judged it and computed the features
    overruled: Verdict | None  # the verdict that a person has set

    @property
    def location(self) -> Location:
        return Location(self.bucket, self.key)

    @property
    def id(self) -> dict[str, Any]:
        return {"sop_instance_uid": self.sop_instance_uid, "frame": self.frame}


@dataclass(frozen=True)
class Change:
    """An image and its new verdict."""

    image: JudgedImage
    judgement: Judgement | None  # None: a person decided, and the judgement of the model stays
    verdict: Verdict  # the new one
    limits: Limits | None = None  # by which it was judged

    @property
    def bucket(self) -> str:
        """The bucket in which the image will lie."""
        return self.image.allocated_bucket if self.verdict in STAYING else SUBOPTIMAL

    @property
    def moves(self) -> bool:
        return self.bucket != self.image.bucket

    @property
    def concerns_review(self) -> bool:
        """Whether the image stays where it is and begins or ends to wait for a person."""
        verdicts = {self.verdict, self.image.verdict}
        return not self.moves and "review" in verdicts and len(verdicts) > 1


@dataclass(frozen=True)
class Seen:
    """What a person saw of an image before overruling its verdict."""

    verdict: Verdict
    overruling: int  # number of the newest one of the image; 0: it had none


def overrule(
    connection: psycopg.Connection[Any],
    name: str,
    verdict: Verdict,
    *,
    who: str,
    why: str,
    via: Via = "shell",
    seen: Seen | None = None,
) -> Change | None:
    """Store the verdict of a person; returns the change, or None if the image was not checked yet.

    `name` is a key, s3://bucket/key or <SOP Instance UID>/<frame>. Raises PermanentError if there is
    no such image, and ConflictError if its verdict is no longer what the person has seen.
    """
    image = _image_of(connection, name)
    if seen is not None:
        _check_seen(connection, image, seen)
    connection.execute(_SQL["insert_overruling"], image | {"verdict": verdict, "who": who, "why": why})
    details = {"verdict": verdict}
    record(connection, AuditEvent(who, via, "overrule", why=why, details=details, **image))
    connection.commit()
    found = list(judged_images(connection, **image))
    return Change(found[0], None, verdict) if found else None


def apply(connection: psycopg.Connection[Any], store: ObjectStore, change: Change) -> bool:
    """Store a new verdict, and move the image if need be; False if the image is no longer at its location.

    The object is copied, then the rows are written, then the object is deleted. So it can be interrupted at
    any point and run again, and the balance closes all the time.
    """
    image, source = change.image, None
    item = {"allocated_bucket": image.allocated_bucket, "key": image.key}
    if change.moves:
        try:
            source = store.stat(image.location)
        except ObjectMissingError:
            return False  # rendered again or erased meanwhile; the event of the new object will judge it
        item["etag"] = source.etag
        if change.bucket == image.allocated_bucket:
            connection.execute(_SQL["record_move_back"], item)
            connection.commit()
        store.copy(source, Location(change.bucket, image.key), overwrite=True)
        if change.bucket == SUBOPTIMAL:
            connection.execute(_SQL["record_move_to_suboptimal"], item)
        connection.execute(_SQL["set_bucket"], image.id | {"bucket": change.bucket})
    if change.judgement is None:
        connection.execute(_SQL["set_verdict"], image.id | {"verdict": change.verdict})
    else:
        values = _values(change.judgement) | image.id | {"verdict": change.verdict}
        connection.execute(_SQL["set_judgement"], values)
    connection.commit()
    if source is not None:
        store.delete(source)
        if change.bucket == SUBOPTIMAL:
            connection.execute(_SQL["mark_deleted"], item)
            connection.commit()
    return True


def judged_images(
    connection: psycopg.Connection[Any], sop_instance_uid: str | None = None, frame: int | None = None
) -> Iterator[JudgedImage]:
    """Read rows one by one with a cursor that survives commits, because there may be millions."""
    values = {"sop_instance_uid": sop_instance_uid, "frame": frame}
    with connection.cursor("judged", row_factory=class_row(JudgedImage), withhold=True) as rows:
        yield from rows.execute(_SQL["judged"], values)


def _check_seen(connection: psycopg.Connection[Any], image: dict[str, Any], seen: Seen) -> None:
    """Raise ConflictError unless the verdict is as seen; no other can be stored until the commit."""
    rows = connection.cursor(row_factory=dict_row)
    verdict = rows.execute(_SQL["lock_verdict"], image).fetchone()
    newest = rows.execute(_SQL["newest_overruling"], image).fetchone()
    if newest and newest["id"] != seen.overruling:
        words = newest["verdict"].replace("_", " ")
        raise ConflictError(
            f"{newest['decided_by']} has overruled this image as {words} meanwhile. Load the page again."
        )
    if verdict is None or verdict["verdict"] != seen.verdict:
        raise ConflictError("This image was judged again meanwhile. Load the page again.")


def _image_of(connection: psycopg.Connection[Any], name: str) -> dict[str, Any]:
    key = name.partition("://")[2].partition("/")[2] if "://" in name else name
    uid, _, frame = key.removesuffix(".png").rpartition("/")
    number = int(frame) if frame.isascii() and frame.isdigit() else 0
    rows = connection.cursor(row_factory=dict_row)
    values = {"key": key, "uid": uid.rpartition("/")[2], "frame": number}
    found = rows.execute(_SQL["image"], values).fetchone()
    if found is None:
        raise PermanentError("No such image: give its key, or <SOP Instance UID>/<frame>.")
    return dict(found)


def _values(judgement: Judgement) -> dict[str, Any]:
    values = asdict(judgement) | {"by_model": judgement.verdict, "reasons": list(judgement.reasons)}
    return values | {"features": Jsonb(dict(judgement.features))}
