"""Rows for the tests of the page."""

from datetime import UTC, datetime
from typing import Any

from common.database import Database

NOW = datetime.now(UTC)


def insert(database: Database, table: str, **values: Any) -> None:
    """Insert one row."""
    named = ", ".join(f"%({name})s" for name in values)
    database.run(f"insert into {table} ({', '.join(values)}) values ({named})", **values)  # type: ignore[arg-type]


def insert_file(database: Database, key: str, **values: Any) -> None:
    """Insert a file of NAS folder 1."""
    row = {"path": key, "size": 1, "modified_at": NOW, "state": "copied", "raw_key": key}
    insert(database, "source_file", folder_id=1, **{**row, **values})


def insert_item(database: Database, key: str, state: str, **values: Any) -> None:
    """Insert an item of extract."""
    row = {"function": "extract", "bucket": "raw", "etag": "e", "settled_at": NOW, **values}
    insert(database, "ledger_item", key=key, state=state, **row)


def insert_image(database: Database, key: str, *, item: int, verdict: str = "good") -> None:
    """Insert an extracted instance with one image, in the bucket of its verdict; the key has its UID."""
    uid = key.split("/")[3]
    database.run(
        "insert into image_bucket (bucket, allocated, capacity) values ('images-1', 1, 400) "
        "on conflict do nothing"
    )
    insert(
        database, "extraction", sop_instance_uid=uid, item_id=item, content_digest="d", number_of_frames=1,
        modality="CT", recipe_version=1, pipeline_version="1", completed_at=NOW,
    )  # fmt: skip
    insert(
        database, "image_allocation", sop_instance_uid=uid, frame=1, allocated_bucket="images-1", key=key,
        bucket="images-1" if verdict == "good" else "suboptimal",
    )  # fmt: skip
    insert(
        database, "verdict", sop_instance_uid=uid, frame=1, verdict=verdict, by_model=verdict, score=0.1,
        threshold=0.5, mean_grey=1, features="{}", reasons=[], confidence="normal", model_version="2",
    )  # fmt: skip
