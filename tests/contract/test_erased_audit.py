"""The audit after an erasure."""

from common.database import Database, connect
from infra.erasure.instance_rows import delete_instances


def test_the_audit_no_longer_names_erased_images(database: Database, database_url: str) -> None:
    """Who did what stays; the pseudonymous UIDs of the erased images do not."""
    database.run(
        "insert into audit_event (who, via, action, sop_instance_uid, frame, why) values "
        "('nurse', 'page', 'overrule', '2.25.1', 1, 'Blurred.'), "
        "('nurse', 'page', 'overrule', '2.25.2', 3, 'Dark.')"
    )
    with connect(database_url) as connection:
        delete_instances(connection, ["2.25.1"])
    rows = database.all("select sop_instance_uid, frame, why from audit_event order by id")
    assert [(None, None, "Blurred."), ("2.25.2", 3, "Dark.")] == [tuple(row.values()) for row in rows]
