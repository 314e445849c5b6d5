"""Rows of verdicts, and where the judged images lie."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from psycopg.types.json import Jsonb

from common.database import Database, queries
from common.ledger.ledger import DatabaseCall
from common.store.object_key import Location
from model.judgement import Judgement, Word

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class ImageState:
    """What is known of an image before it is judged."""

    bucket: str  # where it is now
    modality: str | None
    overruled: Word | None  # a person's verdict


class VerdictRows(Protocol):
    """Where verdicts are kept."""

    def image_state(self, sop_instance_uid: str, frame: int, allocated: Location) -> ImageState | None:
        """What is known of the image allocated to that place; None if there is none such."""

    def record(
        self,
        sop_instance_uid: str,
        frame: int,
        judgement: Judgement,
        *,
        verdict: Word,
        bucket: str,
        picture_hash: bytes | None,
    ) -> DatabaseCall:
        """The verdict that holds, the model's judgement, the bucket the image lies in now, and its hash."""


class PostgresVerdictRows(VerdictRows):
    """The rows in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def image_state(self, sop_instance_uid: str, frame: int, allocated: Location) -> ImageState | None:
        place = {"bucket": allocated.bucket, "key": allocated.key}
        image = {"sop_instance_uid": sop_instance_uid, "frame": frame}
        row = self._database.one(_SQL["image_state"], **image, **place)
        return ImageState(**row) if row else None

    def record(
        self,
        sop_instance_uid: str,
        frame: int,
        judgement: Judgement,
        *,
        verdict: Word,
        bucket: str,
        picture_hash: bytes | None,
    ) -> DatabaseCall:
        values = asdict(judgement) | {
            "uid": sop_instance_uid,
            "frame": frame,
            "features": Jsonb(dict(judgement.features)),
            "reasons": list(judgement.reasons),
            "by_model": judgement.verdict,
            "verdict": verdict,
            "picture_hash": picture_hash,
            "bucket": bucket,
        }
        return DatabaseCall(_SQL["record"], values)
