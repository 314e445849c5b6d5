"""Where a restore puts an object of a backup."""

import pytest

from common.store.object_key import Location
from infra.backup.backup import KnownObjects

KNOWN = KnownObjects(instances=set(), images={}, moved=set(), originals=set())


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("training-sets", "chest/v1/train/metadata.csv"),
        ("training-sets", "chest/v1/plots/class-balance.png"),
        ("labelling", f"batch/images/P{'0' * 20}/2.25.1/2.25.2/2.25.3/1.png"),
    ],
)
def test_frozen_files_and_labelling_tasks_are_restored(bucket: str, key: str) -> None:
    """Their keys do not begin with a patient, so they are not taken for files of unknown instances."""
    assert Location(bucket, key) == KNOWN.location_before(Location(bucket, key))


def test_images_of_unknown_instances_are_left_out() -> None:
    """The pipeline writes them again."""
    assert KNOWN.location_before(Location("images-1", f"P{'0' * 20}/2.25.1/2.25.2/2.25.3/1.png")) is None
