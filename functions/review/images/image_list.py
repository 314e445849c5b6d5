"""The images of a bucket, those that wait for a verdict, or all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.database import Database, queries
from functions.review.access.form_fields import is_number

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 48  # images of one page


@dataclass(frozen=True)
class ImageFilter:
    """Which images are listed."""

    bucket: str | None = None  # that they were allocated to
    is_waiting: bool = False

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "ImageFilter":
        """The filter in the query of an address."""
        return cls(values.get("bucket", "").replace("\0", "") or None, values.get("state") == "waiting")

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        if self.bucket:
            return {"bucket": self.bucket}
        return {"state": "waiting"} if self.is_waiting else {}


@dataclass(frozen=True)
class Place:
    """The image after which a page begins."""

    uid: str = ""
    frame: int = 0

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Place":
        """The place in the query of an address; the beginning if there is none."""
        uid, _, frame = values.get("after", "").rpartition("~")
        return cls(uid.replace("\0", ""), int(frame)) if is_number(frame) and len(frame) < 10 else cls()

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        return {"after": f"{self.uid}~{self.frame}"} if self.uid else {}


def listed(
    database: Database, chosen: ImageFilter, place: Place, *, most: int = PAGE
) -> list[dict[str, Any]]:
    """The images after a place, in the order of UIDs and frames."""
    name = "of_bucket" if chosen.bucket else "waiting" if chosen.is_waiting else "every"
    bucket = {"bucket": chosen.bucket} if chosen.bucket else {}
    return database.all(_SQL[name], **bucket, uid=place.uid, frame=place.frame, most=most)
