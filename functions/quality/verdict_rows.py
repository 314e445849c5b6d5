"""Rows of verdicts, and where the judged images lie."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from psycopg.types.json import Jsonb

from common.database import Database, queries
from common.object_key import Location

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Verdict:
    """What quality says of one image."""

    verdict: Literal["good", "black", "low_quality"]
    score: float  # probability that the image is bad
    threshold: float  # score from which it counts as bad
    mean_grey: float  # 0 to 255
    features: Mapping[str, float]  # by name; none for a black image
    model_version: str


class VerdictRows(Protocol):
    """Where verdicts are kept."""

    def bucket_now(self, sop_instance_uid: str, frame: int, home: Location) -> str | None:
        """The bucket that the image allocated to that place lies in; None if there is none such."""

    def record(self, sop_instance_uid: str, frame: int, verdict: Verdict, *, bucket: str) -> None:
        """The verdict, over an older one, and the bucket the image lies in now."""


class PostgresVerdictRows(VerdictRows):
    """The rows in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bucket_now(self, sop_instance_uid: str, frame: int, home: Location) -> str | None:
        place = {"bucket": home.bucket, "key": home.key}
        image = {"sop_instance_uid": sop_instance_uid, "frame": frame}
        row = self._database.one(_SQL["bucket_now"], **image, **place)
        return row["bucket"] if row else None

    def record(self, sop_instance_uid: str, frame: int, verdict: Verdict, *, bucket: str) -> None:
        values = asdict(verdict) | {"features": Jsonb(dict(verdict.features))}
        image = {"sop_instance_uid": sop_instance_uid, "frame": frame}
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["record_verdict"], values | image)
            cursor.execute(_SQL["record_place"], image | {"bucket": bucket})
