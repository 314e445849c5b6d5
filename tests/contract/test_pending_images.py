"""Images without a verdict, as the sweep finds them."""

import pytest

from common.database import Database
from common.object_key import Location
from common.postgres_ledger import PostgresLedger
from functions.sweep.pending_items import PendingItems
from tests.in_memory.object_store import InMemoryObjectStore

GRACE = 10.0
PLACE = Location("images-1", "P/1/2/3/1.png")
_COMPLETED = """
with item as (
    insert into ledger_item (function, bucket, key, etag, state) values ('extract', 'raw', 'a', 'e', 'done')
    returning id
), extracted as (
    insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, recipe_version,
        pipeline_version, completed_at)
    select '3', id, 'd', 1, 1, '1', now() - make_interval(secs => %(age)s) from item returning 1
), made as (
    insert into image_bucket (bucket, allocated, capacity) values (%(bucket)s, 1, 9) returning 1
)
select 1 from item, extracted, made
"""
_ALLOCATED = """
insert into image_allocation (sop_instance_uid, frame, home_bucket, bucket, key)
values ('3', 1, %(bucket)s, %(bucket)s, %(key)s)
"""


@pytest.mark.parametrize(
    ("age", "is_found"), [(2.0, False), (GRACE + 1, True), (-2.0, False), (-1200.0, True)]
)
def test_an_image_whose_event_was_lost_is_found(database: Database, age: float, is_found: bool) -> None:
    """Once it is older than the grace, or so far ahead that the clock was moved back since."""
    database.run(_COMPLETED, age=age, bucket=PLACE.bucket)
    database.run(_ALLOCATED, bucket=PLACE.bucket, key=PLACE.key)
    pending = PendingItems(
        store=InMemoryObjectStore(),
        database=database,
        ledger=lambda function: PostgresLedger(database, function=function),
        grace_seconds=GRACE,
        attempt_days=1,
    )
    found = [version.location for version in pending.find("quality", limit=5)]
    assert found == ([PLACE] if is_found else [])
