"""Folders of the NAS with the mark that the database does not know: nobody takes them for copied."""

from pathlib import Path

from common.database import Database
from common.settings import load_settings
from common.store.object_key import FIXED_BUCKETS
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from infra.health.nas_waiting import nas_unknown_text
from infra.health.status import read_status
from infra.health.status_text import status_text
from infra.nas.nas_check import check_nas
from tests.in_memory.object_store import InMemoryObjectStore


def test_nas_check_counts_them(database: Database, database_url: str, tmp_path: Path) -> None:
    """Without their names; a folder that has a row is not among them, whatever bytes its name has."""
    rows = PostgresSourceRows(database)
    names = ["Doe^Jane_processed", "known_processed", "M\udcfcller_processed2", "new"]
    for name in names:
        (tmp_path / name).mkdir()
    for name in names[1:3]:
        rows.record_processed(rows.folder(name.partition("_")[0]), mark=name)
    settings = load_settings(nas_url=tmp_path.as_uri())

    def texts() -> list[str]:
        found = check_nas(settings, may_write=False, database_url=database_url)
        return [finding.text for finding in found if finding.subject == "marked folders"]

    (text,) = texts()
    assert text.startswith("1 folder(s) with the mark of processed ones are not known to this database")
    assert "Doe" not in text
    (tmp_path / names[0]).rename(tmp_path / "Doe^Jane")
    assert [] == texts()


def test_the_status_tells_them(database: Database, database_url: str) -> None:
    """From the newest poll, in text and in JSON; nothing without such folders, or without a poll."""
    rows, store, seen = PostgresSourceRows(database), InMemoryObjectStore(), []
    for bucket in FIXED_BUCKETS:
        store.ensure_bucket(bucket)
    for number in (None, 2, 0):
        if number is not None:
            rows.record_unknown_marks(number)
        status = read_status(database_url, store)
        seen.append((status["nas_unknown_marks"], "On the NAS: " in status_text(status)))
    assert [(0, False), (2, True), (0, False)] == seen
    assert "after a restore, remove the mark" in nas_unknown_text(2)
