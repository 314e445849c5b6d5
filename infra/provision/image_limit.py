"""From when a changed limit of images in a bucket holds."""

from pathlib import Path

from common.database import Database, queries

_NEWEST = queries(Path(__file__).with_suffix(".sql"))["newest"]


def image_limit_sentence(database: Database, limit: int) -> str | None:
    """What a changed limit means for image buckets; None if the newest has this limit."""
    newest = database.one(_NEWEST)
    if newest is None or newest["capacity"] == limit:
        return None
    first = f" The newest has room for {newest['room']} more, which come first." if newest["room"] else ""
    return (
        f"DCM2SET_IMAGES_PER_BUCKET is {limit}: it holds for buckets that are made from now on. "
        f"The {newest['buckets']} that exist keep their limit, the newest one {newest['capacity']}.{first}"
    )
