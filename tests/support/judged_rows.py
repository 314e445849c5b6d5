"""Images with verdicts, as the functions would have stored them."""

from dataclasses import dataclass, field
from typing import Any

from common.database import Database
from common.store.object_key import SUBOPTIMAL, Location
from tests.in_memory.object_store import InMemoryObjectStore

BUCKET = "images-1"
_EXTRACTION = """
insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, modality, recipe_version,
    pipeline_version, completed_at) values (%(uid)s, 1, 'd', 1, %(modality)s, 1, '1', now())
"""
_ALLOCATION = """
insert into image_allocation (sop_instance_uid, frame, allocated_bucket, bucket, key)
values (%(uid)s, 1, %(allocated)s, %(bucket)s, %(key)s)
"""
_ITEM = """
insert into ledger_item (function, bucket, key, etag, state, settled_at)
values ('quality', %(allocated)s, %(key)s, 'e', 'done', now())
"""
_VERDICT = """
select record_verdict(%(uid)s, 1, %(bucket)s, %(verdict)s, %(verdict)s, %(score)s, %(threshold)s, 60,
    '{}', %(reasons)s, 'normal', 'm', null, %(review_from)s)
"""


@dataclass
class JudgedRows:
    """Stores images with verdicts."""

    database: Database
    store: InMemoryObjectStore
    _number: int = field(default=0)

    def __post_init__(self) -> None:
        self.database.run(
            "insert into ledger_item (function, bucket, key, etag, state) "
            "values ('extract', 'raw', 'incoming/x', 'e', 'done')"
        )
        self.database.run("insert into image_bucket (bucket, capacity) values ('images-1', 100000)")
        for bucket in (BUCKET, SUBOPTIMAL):
            self.store.ensure_bucket(bucket)

    def add(self, verdict: str, score: float, modality: str | None = "CT", **others: Any) -> str:
        """Store an image; returns its pseudonymous UID."""
        self._number += 1
        uid = f"2.25.{self._number}"
        bucket = BUCKET if verdict in {"good", "review"} else SUBOPTIMAL
        limits = {"threshold": 0.96, "review_from": 0.43, "reasons": ["little detail"]}
        values = {"uid": uid, "verdict": verdict, "score": score, "modality": modality, "bucket": bucket}
        values |= {"allocated": BUCKET, "key": f"P1/2.25.8/2.25.9/{uid}/1.png"} | limits | others
        for statement in (_EXTRACTION, _ALLOCATION, _ITEM, _VERDICT):
            self.database.run(statement, **values)
        self.store.put(Location(bucket, values["key"]), f"png of {uid}".encode(), content_type="image/png")
        return uid

    def verdict_of(self, uid: str) -> tuple[str, str]:
        """The verdict in force on an image, and its bucket."""
        row = self.database.one(
            "select verdict, bucket from verdict join image_allocation using (sop_instance_uid, frame) "
            "where sop_instance_uid = %(uid)s",
            uid=uid,
        )
        assert row is not None
        return row["verdict"], row["bucket"]
