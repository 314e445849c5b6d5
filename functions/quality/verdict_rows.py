"""Rows of verdicts, and the buckets of the judged images."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from psycopg.types.json import Jsonb

from common.database import Database, queries
from common.ledger.ledger import DatabaseCall
from common.store.object_key import Location
from model.limits import Limits
from model.verdict import Judgement, Verdict

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class ImageRow:
    """What the database says about an image before it is judged."""

    bucket: str  # where the image is now: its allocated bucket, or suboptimal
    modality: str | None
    overruled: Verdict | None  # the verdict of a person, if one overruled the model
    site: Limits | None = None  # that the site has calibrated for the modality and the model


@dataclass(frozen=True)
class ImageVerdict:
    """The verdict on one image."""

    sop_instance_uid: str
    frame: int  # from 1
    judgement: Judgement  # of the model
    verdict: Verdict  # the valid one: a person's, or else the model's
    bucket: str  # where the image is afterwards
    picture_hash: bytes | None


class VerdictRows(Protocol):
    """The rows of verdicts."""

    def find_image(
        self, sop_instance_uid: str, frame: int, allocated: Location, *, model_version: str
    ) -> ImageRow | None:
        """The image whose allocated bucket and key are these; None if there is none."""

    def record(self, verdict: ImageVerdict) -> DatabaseCall:
        """The call that stores a verdict and the image's bucket."""


class PostgresVerdictRows(VerdictRows):
    """The rows in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_image(
        self, sop_instance_uid: str, frame: int, allocated: Location, *, model_version: str
    ) -> ImageRow | None:
        location = {"bucket": allocated.bucket, "key": allocated.key}
        image = {"sop_instance_uid": sop_instance_uid, "frame": frame, "model_version": model_version}
        row = self._database.one(_SQL["find_image"], **image, **location)
        if row is None:
            return None
        review_from, reject_from = row.pop("review_from"), row.pop("reject_from")
        return ImageRow(**row, site=Limits(review_from, reject_from) if review_from else None)

    def record(self, verdict: ImageVerdict) -> DatabaseCall:
        judgement = verdict.judgement
        values = asdict(judgement) | {
            "uid": verdict.sop_instance_uid,
            "frame": verdict.frame,
            "features": Jsonb(dict(judgement.features)),
            "reasons": list(judgement.reasons),
            "by_model": judgement.verdict,
            "verdict": verdict.verdict,
            "picture_hash": verdict.picture_hash,
            "bucket": verdict.bucket,
        }
        return DatabaseCall(_SQL["record"], values)
