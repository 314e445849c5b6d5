"""The contract of the image allocation, in memory and in Postgres."""

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from common.database import Database
from common.errors import ConflictError, DependencyAwayError, TransientError
from common.settings import Settings
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from functions.extract.image_allocation import NEW_IMAGE, PostgresAllocation
from tests.contract.tables import Tables, instance_path
from tests.support.factories import PSEUDONYMS
from tests.support.own_bucket import remove_bucket

WORKERS = 16


def _allocate_in_parallel(tables: Tables, numbers: range) -> Counter[str]:
    """Allocate one image for each instance, 16 at a time; return the number of images in each bucket."""
    items = {number: tables.new_item() for number in numbers}

    def allocate(number: int) -> Location:
        request = tables.request(number, item_id=items[number])
        (image,) = tables.allocation.allocate(request).locations
        return image

    with ThreadPoolExecutor(WORKERS) as threads:
        images = list(threads.map(allocate, numbers))
    assert len(images) == len(set(images))
    return Counter(image.bucket for image in images)


def test_location_is_named_by_the_identifiers(tables: Tables) -> None:
    """The location of an image is an image bucket and a key of pseudonyms and frame number."""
    (image,) = tables.allocate(1)
    assert f"{instance_path(1).instance}/1.png" == image.key
    assert image.bucket.startswith("images-")


def test_same_instance_again_has_the_same_locations(tables: Tables) -> None:
    """A replay of the same raw object is not a duplicate, and gets the same locations."""
    request = tables.request(1, frames=3)
    first = tables.allocation.allocate(request)
    tables.allocate(2)
    again = tables.allocation.allocate(request)
    assert first == again
    assert (False, False) == (again.is_duplicate, again.is_completed)


def test_other_raw_object_of_the_same_content_is_a_duplicate(tables: Tables) -> None:
    """Another object with the same content is a duplicate, and knows whether the first was completed."""
    images = tables.allocate(1)
    uid = instance_path(1).sop_instance_uid
    for is_completed in (False, True):
        again = tables.allocation.allocate(tables.request(1))
        assert (images, True, is_completed) == (again.locations, again.is_duplicate, again.is_completed)
        tables.write(tables.allocation.complete(uid))


def test_other_content_is_a_conflict(tables: Tables) -> None:
    """Other content with a known SOP Instance UID is refused, and nothing is allocated for it."""
    tables.allocate(1)
    with pytest.raises(ConflictError):
        tables.allocation.allocate(tables.request(1, digest="other", frames=4))
    buckets = Counter(tables.allocate(number)[0].bucket for number in range(2, 6))
    assert [4] == list(buckets.values())


def test_instance_with_more_frames_than_fit_spans_buckets(tables: Tables) -> None:
    """Frames fill the open bucket first and then new ones, in order."""
    tables.allocate(1, frames=3)
    images = tables.allocate(2, frames=9)
    counts = Counter(image.bucket for image in images)
    assert [2, 5, 2] == [counts[bucket] for bucket in dict.fromkeys(image.bucket for image in images)]
    assert [instance_path(2).frame(number) for number in range(1, 10)] == [image.key for image in images]


def test_16_parallel_allocations_never_overfill_a_bucket(tables: Tables) -> None:
    """With 16 allocations at a time, every bucket except the last is exactly full."""
    counts = _allocate_in_parallel(tables, range(33))
    assert [3, 5, 5, 5, 5, 5, 5] == sorted(counts.values())


def test_16_parallel_allocations_of_one_instance_give_the_same_locations(tables: Tables) -> None:
    """The same instance in many objects at the same time gets one set of locations."""
    items = [tables.new_item() for _ in range(WORKERS)]

    def allocate(item: int) -> tuple[Location, ...]:
        return tables.allocation.allocate(tables.request(1, frames=2, item_id=item)).locations

    with ThreadPoolExecutor(WORKERS) as threads:
        assert 1 == len(set(threads.map(allocate, items)))


def test_the_401st_image_goes_to_a_new_bucket(tables_of_400: Tables) -> None:
    """With the default limit and 16 allocations at a time: the 400th image fits, the 401st does not."""
    tables_of_400.allocate(0, frames=392)
    counts = _allocate_in_parallel(tables_of_400, range(1, 17))
    assert [8, 8] == sorted(counts.values())


@pytest.fixture
def tables_of_400(real_database: Database | None) -> Tables:
    return Tables(real_database, capacity=Settings.model_fields["images_per_bucket"].default)


def test_bucket_has_its_notification_before_its_first_image(tables: Tables) -> None:
    """A new bucket is created with quality's notification before any image is allocated to it."""
    seen = {}
    ensure = tables.store.ensure_bucket

    def watched(bucket: str, notifications: object = ()) -> None:
        seen[bucket] = list(notifications)
        ensure(bucket, seen[bucket])

    tables.store.ensure_bucket = watched
    buckets = {image.bucket for image in tables.allocate(1, frames=11)}
    assert {bucket: [NEW_IMAGE] for bucket in buckets} == seen


def test_nothing_is_allocated_while_the_store_is_away(tables: Tables) -> None:
    """If the bucket can't be created, nothing is allocated, and the next attempt starts again."""
    tables.store.away = True
    with pytest.raises(DependencyAwayError):
        tables.allocate(1)
    tables.store.away = False
    assert 1 == len(tables.allocate(1))


def test_who_makes_a_bucket_has_a_place_in_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance of many frames that waits meanwhile does not take all places of the new bucket."""
    tables = Tables(database)
    made, large = [], replace(tables, capacity=tables.capacity)
    request = tables.request(2, frames=2 * tables.capacity)
    add = getattr(tables.allocation, "_add_bucket")  # noqa: B009 private

    def add_and_lose(values: dict[str, object]) -> None:
        add(values)
        made.append(large.allocation.allocate(request))

    monkeypatch.setattr(tables.allocation, "_add_bucket", add_and_lose)
    (image,) = tables.allocate(1)
    assert (1, True) == (len(made), image.bucket == made[0].locations[0].bucket)


def test_completing_an_unknown_instance_is_a_temporary_failure(tables: Tables) -> None:
    """An instance that was withdrawn while another worker wrote it is not settled; the work is done again."""
    with pytest.raises(TransientError):
        tables.write(tables.allocation.complete("2.25.9"))


@pytest.mark.parametrize("kind", ["study", "series"])
def test_a_known_study_or_series_under_another_parent_is_a_conflict(tables: Tables, kind: str) -> None:
    """A new instance in a study of another patient, or in a series of another study, is refused."""
    tables.allocate(1)
    request = tables.request(2)
    parent = {"study": {"patient": "P" + 20 * "f"}, "series": {"study_instance_uid": "2.25.77"}}[kind]
    other = replace(request, path=replace(request.path, **parent))
    with pytest.raises(ConflictError, match=f"The {kind} is known under another"):
        tables.allocation.allocate(other)
    assert 1 == len(tables.allocation.allocate(request).locations)


def test_the_same_item_with_another_digest_is_no_conflict(tables: Tables) -> None:
    """An item's object never changes, so another digest comes from another version of dcm2set."""
    request = tables.request(1)
    first = tables.allocation.allocate(request)
    assert first == tables.allocation.allocate(replace(request, content_digest="newer"))


def test_new_buckets_on_minio_can_be_used_immediately(database: Database, minio: MinioStore) -> None:
    """On the real store, the bucket of an allocated image exists and has its notification."""
    prefix = f"contract-{secrets.token_hex(3)}-"
    tables = Tables(database)
    settings = Settings(images_prefix=prefix, images_per_bucket=2)
    tables.allocation = PostgresAllocation(
        database, store=minio, settings=settings, key_check=PSEUDONYMS.key_check
    )
    images = tables.allocate(1, frames=3)
    buckets = sorted({image.bucket for image in images})
    try:
        assert 2 == len(buckets)
        for bucket in buckets:
            (queue,) = minio.client.get_bucket_notification(bucket).queue_config_list
            assert ".png" == queue.suffix_filter_rule.value
    finally:
        for bucket in buckets:
            remove_bucket(minio, bucket)
