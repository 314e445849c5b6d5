"""A changed limit of images in a bucket says from when it holds."""

from common.database import Database
from infra.provision.image_limit import image_limit_sentence


def test_a_changed_limit_says_from_when_it_holds(database: Database) -> None:
    """For the next bucket; the open one is filled first, and others keep their limit."""
    assert image_limit_sentence(database, 400) is None
    database.run("insert into image_bucket (bucket, allocated, capacity) values ('images-1', 390, 400)")
    assert image_limit_sentence(database, 400) is None
    told = image_limit_sentence(database, 100) or ""
    assert "is 100: it holds for buckets that are made from now on" in told
    assert "The newest has room for 10 more" in told
    database.run("update image_bucket set allocated = 400")
    assert "room" not in str(image_limit_sentence(database, 100))
