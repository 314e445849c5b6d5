"""Verdicts by another threshold, another model or a person: what would move, and the move."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from common.database import queries
from common.errors import ObjectMissingError, PermanentError
from common.store.object_key import SUBOPTIMAL, Location
from common.store.object_store import ObjectStore
from imaging.png.png_picture import decode_png
from model.features.image_features import FEATURE_NAMES
from model.judgement import Judge, Judgement, Word

_SQL = queries(Path(__file__).with_suffix(".sql"))
_MAX_PIXELS = 10**9


@dataclass(frozen=True)
class JudgedImage:
    """An image as it was judged."""

    sop_instance_uid: str
    frame: int
    allocated_bucket: str
    bucket: str
    key: str
    modality: str | None
    verdict: Word  # that holds
    by_model: Word
    score: float
    mean_grey: float
    features: dict[str, float]
    overruled: Word | None

    @property
    def place(self) -> Location:
        return Location(self.bucket, self.key)

    @property
    def id(self) -> dict[str, Any]:
        return {"sop_instance_uid": self.sop_instance_uid, "frame": self.frame}


@dataclass(frozen=True)
class Change:
    """An image, and what is said of it now."""

    image: JudgedImage
    judgement: Judgement | None  # None: the model's stays, a person decides
    verdict: Word  # that will hold

    @property
    def bucket(self) -> str:
        """Where the image will lie."""
        return self.image.allocated_bucket if self.verdict == "good" else SUBOPTIMAL

    @property
    def moves(self) -> bool:
        return self.bucket != self.image.bucket


def judged_again(connection: psycopg.Connection[Any], store: ObjectStore, judge: Judge) -> Iterator[Change]:
    """Every judged image by a judge, those that do not move too.

    From the stored features where they are those of the model, else from the picture; nothing is changed.
    """
    for image in _judged(connection):
        judgement = _judgement(image, store, judge)
        if judgement is not None:
            yield Change(image, judgement, image.overruled or judgement.verdict)


def overruled(
    connection: psycopg.Connection[Any], name: str, verdict: Word, *, who: str, why: str
) -> Change | None:
    """Keep what a person says of an image; the change, or None while it has no verdict yet.

    `name` is a key, s3://bucket/key or <SOP Instance UID>/<frame>. Raises PermanentError if it
    means no image.
    """
    image = _image_of(connection, name)
    connection.execute(_SQL["overrule"], image | {"verdict": verdict, "who": who, "why": why})
    connection.commit()
    found = list(_judged(connection, **image))
    return Change(found[0], None, verdict) if found else None


def apply(connection: psycopg.Connection[Any], store: ObjectStore, change: Change) -> bool:
    """Move an image to where its verdict puts it, and record that; False if it isn't where it was.

    Copy, record, delete, as everywhere: cut off at any point it can be done again, and the balance holds.
    """
    image, source = change.image, None
    place = {"allocated_bucket": image.allocated_bucket, "key": image.key}
    if change.moves:
        try:
            source = store.stat(image.place)
        except ObjectMissingError:
            return False  # drawn again or erased meanwhile: its own event will judge it
        place["etag"] = source.etag
        if change.bucket == image.allocated_bucket:
            connection.execute(_SQL["move_back"], place)
            connection.commit()
        store.copy(source, Location(change.bucket, image.key), overwrite=True)
        if change.bucket == SUBOPTIMAL:
            connection.execute(_SQL["move_aside"], place)
        connection.execute(_SQL["place"], image.id | {"bucket": change.bucket})
    if change.judgement is None:
        connection.execute(_SQL["hold"], image.id | {"verdict": change.verdict})
    else:
        values = _values(change.judgement) | image.id | {"verdict": change.verdict}
        connection.execute(_SQL["judge_again"], values)
    connection.commit()
    if source is not None:
        store.delete(source)
        if change.bucket == SUBOPTIMAL:
            connection.execute(_SQL["mark_deleted"], place)
            connection.commit()
    return True


def write_overruled(connection: psycopg.Connection[Any], store: ObjectStore, folder: Path) -> dict[Word, int]:
    """The overruled images below good/ and low_quality/, a folder a patient, for the next training."""
    written: dict[Word, int] = {"good": 0, "low_quality": 0}
    for row in connection.cursor(row_factory=dict_row).execute(_SQL["overruled"]).fetchall():
        body = store.read(store.stat(Location(row["bucket"], row["key"])))
        target = folder / row["verdict"] / row["patient_id"]
        target.mkdir(parents=True, exist_ok=True)
        instance, frame = row["key"].split("/")[-2:]
        (target / f"{instance}-{frame}").write_bytes(body)
        written[row["verdict"]] += 1
    return written


def _judged(
    connection: psycopg.Connection[Any], sop_instance_uid: str | None = None, frame: int | None = None
) -> Iterator[JudgedImage]:
    """One after the other from the server, over the commits in between: there may be millions."""
    values = {"sop_instance_uid": sop_instance_uid, "frame": frame}
    with connection.cursor("judged", row_factory=class_row(JudgedImage), withhold=True) as rows:
        yield from rows.execute(_SQL["judged"], values)


def _judgement(image: JudgedImage, store: ObjectStore, judge: Judge) -> Judgement | None:
    """None for a picture that is black, which no model is asked about, or that is gone meanwhile."""
    if image.by_model == "black":
        return None
    if image.features.keys() == set(FEATURE_NAMES):
        return judge.judge_features(image.features, image.mean_grey, modality=image.modality)
    try:
        body = store.read(store.stat(image.place))
    except ObjectMissingError:
        return None
    return judge.judge(decode_png(body, max_pixels=_MAX_PIXELS), modality=image.modality)


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
    told = asdict(judgement) | {"by_model": judgement.verdict, "reasons": list(judgement.reasons)}
    return told | {"features": Jsonb(dict(judgement.features))}
