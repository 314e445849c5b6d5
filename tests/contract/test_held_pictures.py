"""The folder that `dcm2set held` writes."""

import csv
import stat
from pathlib import Path

import pytest

from common.database import Database, connect
from common.errors import PermanentError
from common.store.object_key import Location
from infra.items.held_folder import PictureLimits, Written, write_held
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.real_files import real_file

_BOXES = '[{"frame": 1, "left": 3, "top": 4, "width": 50, "height": 9, "finding": "text"}]'


@pytest.fixture
def store(database: Database) -> InMemoryObjectStore:
    """Items 1 to 4: two held, one of them from NAS folder 1 and with text; one gone; one refused."""
    store = InMemoryObjectStore()
    store.ensure_bucket("raw")
    bodies = {1: real_file("CT_small.dcm"), 2: b"no DICOM" * 50, 4: real_file("CT_small.dcm")}
    for number, body in bodies.items():
        store.put(Location("raw", f"held/Doe^Jane/{number}.dcm"), body, content_type="application/dicom")
    database.run("insert into source_folder (name) values ('Doe^Jane')")
    for number in range(1, 5):
        database.run(
            "insert into ledger_item (function, bucket, key, etag, state, cause, device, moved_to_bucket, "
            "moved_to_key, text_boxes) values ('extract', 'raw', 'nas/Doe^Jane/' || %(number)s || '.dcm', "
            "'e', %(state)s, 'Text was found.', '=ACME 128 x 128', 'raw', "
            "'held/Doe^Jane/' || %(number)s || '.dcm', %(boxes)s::jsonb)",
            number=str(number),
            state="refused" if number == 4 else "held",
            boxes=_BOXES if number == 1 else None,
        )
    database.run(
        "insert into source_file (folder_id, path, size, modified_at, state, raw_key) "
        "values (1, '1.dcm', 1, now(), 'copied', 'nas/Doe^Jane/1.dcm')"
    )
    return store


def _write(url: str, store: InMemoryObjectStore, out: Path, *, megabytes: int = 10) -> Written:
    with connect(url) as connection:
        return write_held(connection, store, [1, 2, 3, 4], out, PictureLimits(2, megabytes), who="nurse")


def test_pictures_and_table_of_held_items(
    database_url: str, store: InMemoryObjectStore, tmp_path: Path
) -> None:
    """Each held item has its lines: a picture with the places of text, or why there is none."""
    out = tmp_path / "new" / "held"
    assert Written(items=3, pictures=1, undrawn=2) == _write(database_url, store, out)
    assert {"held.csv", "item-1-frame-1.png"} == {path.name for path in out.iterdir()}
    text = (out / "held.csv").read_text(encoding="utf-8")
    first, second, third = csv.DictReader(text.splitlines())
    assert {
        "item": "1",
        "frame": "1",
        "file": "item-1-frame-1.png",
        "folder": "1",
        "device": "'=ACME 128 x 128",
        "cause": "Text was found.",
        "boxes": "3,4,50,9",
        "note": "",
    } == first
    assert ("2", "", "", True) == (
        second["item"],
        second["file"],
        second["boxes"],
        "Not a DICOM file" in second["note"],
    )
    assert ("3", "Its original is not in the object store.") == (third["item"], third["note"])
    assert "Doe" not in text


def test_only_the_owner_can_read_it(database_url: str, store: InMemoryObjectStore, tmp_path: Path) -> None:
    """The folder has mode 0700 and each file 0600, also if the folder was there with another mode."""
    out = tmp_path / "held"
    out.mkdir(mode=0o755)
    _write(database_url, store, out)
    assert 0o700 == stat.S_IMODE(out.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()}


def test_nothing_is_written_into_a_folder_with_content(
    database_url: str, store: InMemoryObjectStore, tmp_path: Path
) -> None:
    """Pictures of different times are never mixed, and no other folder becomes private."""
    (tmp_path / "other").touch()
    with pytest.raises(PermanentError, match="has content"):
        _write(database_url, store, tmp_path)
    assert ["other"] == [path.name for path in tmp_path.iterdir()]


def test_a_large_original_is_not_fetched(
    database_url: str, store: InMemoryObjectStore, tmp_path: Path
) -> None:
    """It is over the limit of extract, and the table says so."""
    out = tmp_path / "held"
    assert 3 == _write(database_url, store, out, megabytes=0).undrawn
    assert "more than 0 MB" in (out / "held.csv").read_text(encoding="utf-8")
