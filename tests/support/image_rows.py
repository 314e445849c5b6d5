"""The images of an instance, as the database shows them, with their buckets."""

from tests.support.local_home import Row, RunningHome, wait_for

IMAGES_OF_INSTANCE = (
    "select o.*, a.bucket from image_overview o join image_allocation a using (sop_instance_uid, frame) "
    "where sop_instance_uid = %s order by frame"
)


def image_rows(home: RunningHome, sop_instance_uid: str, number: int) -> list[Row]:
    """Wait for that number of images, each with a verdict; empty after 60 s without them."""

    def rows_with_verdicts() -> list[Row]:
        rows = home.rows(IMAGES_OF_INSTANCE, sop_instance_uid)
        return rows if len(rows) == number and all(row["verdict"] for row in rows) else []

    return wait_for(rows_with_verdicts, seconds=60) or []
