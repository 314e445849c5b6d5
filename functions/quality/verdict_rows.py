"""Rows of verdicts, and where the judged images lie."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from psycopg.types.json import Jsonb

from common.database import Database, queries
from common.ledger import Record
from common.object_key import Location
from model.judgement import Judgement, Word

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Standing:
    """What is known of an image before it is judged."""

    bucket: str  # it lies in now
    modality: str | None
    overruled: Word | None  # a person's verdict


class VerdictRows(Protocol):
    """Where verdicts are kept."""

    def standing(self, sop_instance_uid: str, frame: int, home: Location) -> Standing | None:
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
    ) -> Record:
        """The verdict that holds, the model's judgement, the bucket the image lies in now, and its hash."""

    def leaving(self, *, limit: int) -> list[Location]:
        """Homes of images that lie in suboptimal, which nobody has seen empty since."""

    def record_left(self, homes: Sequence[Location]) -> None:
        """Nothing lies there any more."""


class PostgresVerdictRows(VerdictRows):
    """The rows in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def standing(self, sop_instance_uid: str, frame: int, home: Location) -> Standing | None:
        place = {"bucket": home.bucket, "key": home.key}
        image = {"sop_instance_uid": sop_instance_uid, "frame": frame}
        row = self._database.one(_SQL["standing"], **image, **place)
        return Standing(**row) if row else None

    def record(
        self,
        sop_instance_uid: str,
        frame: int,
        judgement: Judgement,
        *,
        verdict: Word,
        bucket: str,
        picture_hash: bytes | None,
    ) -> Record:
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
        return Record(_SQL["record"], values)

    def leaving(self, *, limit: int) -> list[Location]:
        return [Location(**row) for row in self._database.all(_SQL["leaving"], limit=limit)]

    def record_left(self, homes: Sequence[Location]) -> None:
        buckets, keys = [home.bucket for home in homes], [home.key for home in homes]
        self._database.run(_SQL["left"], buckets=buckets, keys=keys)
