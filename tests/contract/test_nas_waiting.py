"""What `dcm2set status` and `dcm2set doctor` say of files that wait on the NAS."""

from dataclasses import replace

from common.database import Database
from common.store.minio_store import MinioStore
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.source_rows import UPLOAD, ArchivedFile, ListedFile
from infra.health.nas_waiting import nas_refused_text, nas_waiting_findings, nas_waiting_text
from infra.health.status import read_status
from tests.contract.sources import FILE, TIME

REFUSED = "The user may not read it; give it the right to."


def test_what_waits_is_counted_by_cause(database: Database, database_url: str, minio: MinioStore) -> None:
    """Files that wait, and folders that can't be listed, are counted by cause, without their names."""
    rows = PostgresSourceRows(database)
    for name in ("Doe 1", "Doe 2"):
        listed = [
            ListedFile("Doe/secret", 0, TIME, REFUSED, is_blocked=True),
            ListedFile("Doe.part", 1, TIME, UPLOAD, is_blocked=True),
            FILE,
        ]
        rows.record_listing(rows.folder(name), listed, listed_time=None)
    (file,) = [file for batch in rows.waiting(rows.folder("Doe 1")) for file in batch]
    rows.record_failed_copy(file.id, cause=REFUSED)
    rows.record_failed_visit(rows.folder("Doe 3"), cause=REFUSED)
    found = read_status(database_url, minio)["nas_waiting"]
    assert [(REFUSED, 3, [1, 2, 3]), (UPLOAD, 2, [1, 2]), (None, 1, [2])] == [
        (row["cause"], row["files"], row["folders"]) for row in found
    ]
    text = nas_waiting_text(found)
    assert f"On the NAS: 3 file(s) wait in folder 1, 2, 3, for 0 min: {REFUSED}" in text
    assert "Doe" not in text
    assert [True, True] == [finding.is_good for finding in nas_waiting_findings(found)]
    database.run(
        "update source_file set found_at = now() - interval '1 hour' where cause = %(cause)s", cause=UPLOAD
    )
    found = read_status(database_url, minio)["nas_waiting"]
    assert [True, False] == [finding.is_good for finding in nas_waiting_findings(found)]


def test_folder_that_can_t_be_listed(database: Database, database_url: str, minio: MinioStore) -> None:
    """A folder of which nothing is known is shown with its cause."""
    rows = PostgresSourceRows(database)
    rows.record_failed_visit(rows.folder("Doe"), cause=REFUSED)
    found = read_status(database_url, minio)["nas_waiting"]
    assert f"On the NAS: nothing could be listed in folder 1, for 0 min: {REFUSED}" == nas_waiting_text(found)


def test_what_is_never_copied_is_counted_by_cause(
    database: Database, database_url: str, minio: MinioStore
) -> None:
    """Refused archives and files in archives are shown until other content comes; system files are not."""
    rows = PostgresSourceRows(database)
    archive, junk = (
        ListedFile("Doe.zip", 9, TIME),
        ListedFile("Thumbs.db", 1, TIME, "system file (Thumbs.db)"),
    )
    rows.record_listing(rows.folder("Doe"), [archive, junk], listed_time=None)
    (waiting,) = [file for batch in rows.waiting(rows.folder("Doe")) for file in batch]
    for path, cause in (("Doe.zip/x", "encrypted in its archive"), ("Doe.zip/y", "system file (.DS_Store)")):
        rows.plan_unpacked(ArchivedFile(waiting.id, path, 1, "k", cause=cause))
    rows.record_skipped(waiting.id, cause="archive, not unpacked: it is damaged or not an archive")
    text = nas_refused_text(read_status(database_url, minio)["nas_refused"])
    head = "On the NAS: 1 file(s) not copied from folder 1: "
    damaged, locked = text.splitlines()
    assert f"{head}archive, not unpacked: it is damaged or not an archive" == damaged
    assert f"{head}encrypted in its archive" == locked
    rows.record_listing(rows.folder("Doe"), [replace(archive, size=10), junk], listed_time=None)
    assert "not unpacked" not in nas_refused_text(read_status(database_url, minio)["nas_refused"])
