"""The allocation's contract, in memory and in Postgres."""

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.database import Database
from common.errors import ConflictError, DependencyAwayError
from common.settings import Settings
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from functions.extract.image_allocation import NEW_IMAGE, PostgresAllocation
from tests.contract.conftest import KINDS, remove_bucket
from tests.contract.tables import Tables, instance_path, make_tables

WORKERS = 16


@pytest.fixture(params=KINDS)
def tables(request: pytest.FixtureRequest) -> Tables:
    """Tables whose buckets hold five images."""
    return make_tables(request, capacity=5)


def _allocate_at_once(tables: Tables, numbers: range) -> Counter[str]:
    """One image each, 16 at a time; returns how many images each bucket got."""
    items = {number: tables.new_item() for number in numbers}

    def allocate(number: int) -> Location:
        (image,) = tables.allocation.allocate(
            instance_path(number), item_id=items[number], content_digest="d", number_of_frames=1
        ).images
        return image

    with ThreadPoolExecutor(WORKERS) as threads:
        images = list(threads.map(allocate, numbers))
    assert len(images) == len(set(images))
    return Counter(image.bucket for image in images)


def test_image_gets_a_place_named_by_its_identifiers(tables: Tables) -> None:
    """A place is an image bucket and a key of pseudonyms and frame number."""
    (image,) = tables.place(1)
    assert f"{instance_path(1).instance}/1.png" == image.key
    assert image.bucket.startswith("images-")


def test_same_instance_again_has_the_same_places(tables: Tables) -> None:
    """A replay of the same raw object is no duplicate, and lands where it was."""
    item = tables.new_item()
    values = {"item_id": item, "content_digest": "d", "number_of_frames": 3}
    first = tables.allocation.allocate(instance_path(1), **values)
    tables.place(2)
    again = tables.allocation.allocate(instance_path(1), **values)
    assert first == again
    assert (False, False) == (again.is_duplicate, again.is_completed)


def test_other_raw_object_of_the_same_content_is_a_duplicate(tables: Tables) -> None:
    """Another object with the same content is told so, and whether the first was completed."""
    images = tables.place(1)
    uid = instance_path(1).sop_instance_uid
    for is_completed in (False, True):
        places = tables.allocation.allocate(
            instance_path(1), item_id=tables.new_item(), content_digest="digest-1", number_of_frames=1
        )
        assert (images, True, is_completed) == (places.images, places.is_duplicate, places.is_completed)
        tables.write(tables.allocation.complete(uid))


def test_other_content_is_a_conflict(tables: Tables) -> None:
    """Other content under a known instance is refused, and allocates nothing."""
    tables.place(1)
    with pytest.raises(ConflictError):
        tables.allocation.allocate(
            instance_path(1), item_id=tables.new_item(), content_digest="other", number_of_frames=4
        )
    buckets = Counter(tables.place(number)[0].bucket for number in range(2, 6))
    assert [4] == list(buckets.values())


def test_instance_with_more_frames_than_fit_spans_buckets(tables: Tables) -> None:
    """Frames fill the open bucket, then new ones, in order."""
    tables.place(1, frames=3)
    images = tables.place(2, frames=9)
    counts = Counter(image.bucket for image in images)
    assert [2, 5, 2] == [counts[bucket] for bucket in dict.fromkeys(image.bucket for image in images)]
    assert [instance_path(2).frame(number) for number in range(1, 10)] == [image.key for image in images]


def test_16_allocations_at_once_never_overfill(tables: Tables) -> None:
    """Whatever the concurrency, every bucket but the last is exactly full."""
    counts = _allocate_at_once(tables, range(33))
    assert [3, 5, 5, 5, 5, 5, 5] == sorted(counts.values())


def test_16_allocations_of_one_instance_at_once_give_one_place(tables: Tables) -> None:
    """The same instance brought by many objects at once has one set of places."""
    items = [tables.new_item() for _ in range(WORKERS)]

    def allocate(item: int) -> tuple[Location, ...]:
        return tables.allocation.allocate(
            instance_path(1), item_id=item, content_digest="d", number_of_frames=2
        ).images

    with ThreadPoolExecutor(WORKERS) as threads:
        assert 1 == len(set(threads.map(allocate, items)))


@pytest.mark.parametrize("tables_of_400", KINDS, indirect=True)
def test_the_401st_image_goes_to_a_new_bucket(tables_of_400: Tables) -> None:
    """With the default limit, 16 at once around it: the 400th fits, the 401st does not."""
    tables_of_400.place(0, frames=392)
    counts = _allocate_at_once(tables_of_400, range(1, 17))
    assert [8, 8] == sorted(counts.values())


@pytest.fixture
def tables_of_400(request: pytest.FixtureRequest) -> Tables:
    return make_tables(request, capacity=Settings.model_fields["images_per_bucket"].default)


def test_bucket_has_its_notification_before_its_first_image(tables: Tables) -> None:
    """A new bucket is created with quality's notification before any place in it is given."""
    seen = {}
    ensure = tables.store.ensure_bucket

    def watched(bucket: str, notifications: object = ()) -> None:
        seen[bucket] = list(notifications)
        ensure(bucket, seen[bucket])

    tables.store.ensure_bucket = watched
    buckets = {image.bucket for image in tables.place(1, frames=11)}
    assert {bucket: [NEW_IMAGE] for bucket in buckets} == seen


def test_store_that_is_away_gives_no_place(tables: Tables) -> None:
    """If the bucket can't be made, nothing is allocated, and the next attempt starts anew."""
    tables.store.away = True
    with pytest.raises(DependencyAwayError):
        tables.place(1)
    tables.store.away = False
    assert 1 == len(tables.place(1))


def test_completing_an_unknown_instance_is_no_error(tables: Tables) -> None:
    """Completing what was never taken on changes nothing."""
    tables.write(tables.allocation.complete("2.25.9"))


def test_buckets_on_minio_can_be_used_at_once(database: Database, minio: MinioStore) -> None:
    """On the real store, the bucket of a place exists with its notification and takes the image."""
    prefix = f"contract-{secrets.token_hex(3)}-"
    tables = Tables(database)
    settings = Settings(images_prefix=prefix, images_per_bucket=2)
    tables.allocation = PostgresAllocation(database, store=minio, settings=settings)
    images = tables.place(1, frames=3)
    buckets = sorted({image.bucket for image in images})
    try:
        assert 2 == len(buckets)
        for bucket in buckets:
            (queue,) = minio.client.get_bucket_notification(bucket).queue_config_list
            assert ".png" == queue.suffix_filter_rule.value
    finally:
        for bucket in buckets:
            remove_bucket(minio, bucket)
