"""The source rows' contract, in memory and in Postgres."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from common.database import Database
from common.nas import NasFile
from functions.poll_nas.source_rows import FoundFile, PostgresSourceRows, SourceFile, SourceRows
from tests.contract.conftest import KINDS
from tests.in_memory.source_rows import InMemorySourceRows

TIME = datetime(2024, 3, 1, 12, 30, 15, 250001, UTC)
FILE = NasFile("a/b.dcm", 7, TIME)


@pytest.fixture(params=KINDS)
def rows(request: pytest.FixtureRequest) -> SourceRows:
    if request.param == "memory":
        return InMemorySourceRows()
    return PostgresSourceRows(request.getfixturevalue("database"))


def _found(rows: SourceRows, *files: NasFile, cause: str | None = None) -> list[SourceFile]:
    """A folder's rows after a look that found files new."""
    folder = rows.folder("folder")
    rows.record_look(folder, [FoundFile(file, 1, cause) for file in files], [], [])
    return rows.files(folder)


def test_folder_is_made_once(rows: SourceRows) -> None:
    """A name gives the same folder until it is marked away."""
    first = rows.folder("Müller 100%")
    assert first == rows.folder("Müller 100%")
    assert (1, None, None) == (first.generation, first.processed_at, first.mark)
    assert first.id != rows.folder("").id


def test_marked_folder_makes_room_for_a_new_one(rows: SourceRows) -> None:
    """A folder that comes under the name of a marked one is another generation."""
    first = rows.folder("folder")
    rows.record_processed(first, mark="folder_processed")
    second = rows.folder("folder")
    assert (2, None) == (second.generation, second.processed_at)
    assert first.id != second.id


def test_processed_folder_that_was_not_renamed_goes_on(rows: SourceRows) -> None:
    """On a read-only NAS the folder keeps its row when more files come."""
    first = rows.folder("folder")
    rows.record_processed(first, mark=None)
    again = rows.folder("folder")
    assert first.id == again.id
    assert again.processed_at is not None


def test_found_files_wait(rows: SourceRows) -> None:
    """A new file waits with its size and time."""
    (file,) = _found(rows, FILE)
    assert ("a/b.dcm", 1, 7, TIME, "waiting") == (
        file.path,
        file.version,
        file.size,
        file.modified_at,
        file.state,
    )


def test_junk_is_skipped(rows: SourceRows) -> None:
    """A file found with a cause is skipped at once."""
    (file,) = _found(rows, FILE, cause="temporary file")
    assert "skipped" == file.state


def test_look_that_found_the_same_keeps_the_quiet(rows: SourceRows) -> None:
    """Quiet lasts while looks find nothing; any news ends it."""
    folder = rows.folder("folder")
    quiet = rows.record_look(folder, [], [], [])
    assert folder.quiet_since == quiet.quiet_since
    assert quiet.looked_at >= folder.looked_at
    news = rows.record_look(folder, [FoundFile(FILE, 1, None)], [], [])
    assert news.quiet_since == news.looked_at
    (file,) = rows.files(folder)
    changed = rows.record_look(folder, [], [(file.id, replace(FILE, size=8))], [])
    assert changed.quiet_since == changed.looked_at
    gone = rows.record_look(folder, [], [], [file.id])
    assert gone.quiet_since == gone.looked_at


def test_waiting_file_that_changed_has_its_new_size(rows: SourceRows) -> None:
    """A file still being written is the same file with another size."""
    (file,) = _found(rows, FILE)
    rows.record_look(rows.folder("folder"), [], [(file.id, replace(FILE, size=8))], [])
    assert [replace(file, size=8)] == rows.files(rows.folder("folder"))


def test_file_gone_before_its_copy_is_skipped(rows: SourceRows) -> None:
    """A waiting file that vanished is skipped; a copied one stays copied."""
    waiting, copied = _found(rows, FILE, NasFile("c", 1, TIME))
    rows.record_copy(copied.id, raw_key="incoming/c", etag="e", sha256="s")
    rows.record_look(rows.folder("folder"), [], [], [waiting.id, copied.id])
    assert ["skipped", "copied"] == [file.state for file in rows.files(rows.folder("folder"))]


def test_copied_file(rows: SourceRows) -> None:
    """A file counts as copied only when its copy is verified, not when it is planned."""
    (file,) = _found(rows, FILE)
    rows.plan_copy(file.id, raw_key="incoming/folder/a/b.dcm")
    assert ["waiting"] == [each.state for each in rows.files(rows.folder("folder"))]
    rows.record_copy(file.id, raw_key="incoming/folder/a/b.dcm", etag="e", sha256="s")
    assert ["copied"] == [each.state for each in rows.files(rows.folder("folder"))]


def test_other_content_under_a_path_is_a_new_version(rows: SourceRows) -> None:
    """Of several versions of a path the newest is told."""
    (first,) = _found(rows, FILE)
    rows.record_copy(first.id, raw_key="k", etag="e", sha256="s")
    folder = rows.folder("folder")
    rows.record_look(folder, [FoundFile(replace(FILE, size=9), 2, None)], [], [])
    assert [(2, 9, "waiting")] == [(file.version, file.size, file.state) for file in rows.files(folder)]


def test_planned_mark_is_told_until_the_folder_is_processed(rows: SourceRows) -> None:
    """A rename under way is known, so that a crash in it can be repaired."""
    folder = rows.folder("folder")
    assert [] == rows.planned_marks()
    rows.plan_mark(folder, mark="folder_processed")
    assert [(folder.id, "folder_processed")] == [(each.id, each.mark) for each in rows.planned_marks()]
    rows.record_processed(folder, mark="folder_processed")
    assert [] == rows.planned_marks()


def test_known_folders(rows: SourceRows) -> None:
    """Folders are known by the name they bear on the NAS now, with whether any file of them waits."""
    first = rows.folder("folder")
    rows.record_processed(first, mark="folder_processed")
    (file,) = _found(rows, FILE)
    rows.folder("elsewhere")
    names = ["folder", "folder_processed", "other", "m\udcfc"]
    known = {folder.mark or folder.name: folder for folder in rows.known_folders(names)}
    assert {"folder", "folder_processed"} == set(known)
    assert (2, True) == (known["folder"].generation, known["folder"].has_waiting)
    assert (first.id, False) == (known["folder_processed"].id, known["folder_processed"].has_waiting)
    rows.record_copy(file.id, raw_key="k", etag="e", sha256="s")
    assert {False} == {folder.has_waiting for folder in rows.known_folders(names)}


def test_look_keeps_the_folder_s_own_time(rows: SourceRows) -> None:
    """The time of a folder at its last look tells later whether there may be news."""
    folder = rows.folder("folder")
    assert folder.listed_time is None
    assert TIME == rows.record_look(folder, [], [], [], listed_time=TIME).listed_time
    assert [TIME] == [known.listed_time for known in rows.known_folders(["folder"])]


def test_unpacked_files(rows: SourceRows) -> None:
    """Files of an archive are files of its folder, but in none of its listings."""
    (archive,) = _found(rows, NasFile("a.zip", 9, TIME))
    number = rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k")
    assert number is not None
    assert rows.plan_unpacked(archive.id, path="a.zip/junk", size=3, raw_key="k2", cause="junk") is None
    assert [archive] == rows.files(rows.folder("folder"))
    rows.record_copy(number, raw_key="k", etag="e", sha256="s")
    rows.record_skipped(archive.id, cause="unpacked", sha256="s")
    (told,) = rows.files(rows.folder("folder"))
    assert ("skipped", "unpacked") == (told.state, told.cause)


def test_interrupted_unpacking_goes_on(rows: SourceRows) -> None:
    """What is in raw already is left; what is not, or is another content, is planned again."""
    (archive,) = _found(rows, NasFile("a.zip", 9, TIME))
    first = rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k")
    assert first is not None
    assert first == rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k")
    rows.record_copy(first, raw_key="k", etag="e", sha256="s")
    assert rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k") is None
    assert first == rows.plan_unpacked(archive.id, path="a.zip/x", size=4, raw_key="k")


def test_file_of_an_archive_s_path_is_left_alone(rows: SourceRows) -> None:
    """A folder named like an archive may hold a file of the same path; it keeps its row."""
    archive, _ = _found(rows, NasFile("a.zip", 9, TIME), NasFile("a.zip/x", 1, TIME))
    assert rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k") is None


def test_names_that_are_no_unicode_are_kept(rows: SourceRows) -> None:
    """A name with bytes that are no Unicode has a row of its own, written with escapes."""
    folder = rows.folder("m\udcfcller")
    rows.record_look(folder, [FoundFile(NasFile("m\udcfc.dcm", 1, TIME), 1, None)], [], [])
    assert folder.id == rows.folder("m\udcfcller").id
    assert ["m\\xfc.dcm"] == [file.path for file in rows.files(folder)]


def test_only_one_poll_has_the_lock(rows: SourceRows) -> None:
    """While one poll runs another one is told so; afterwards it may."""
    with rows.lock() as mine, rows.lock() as second:
        assert (True, False) == (mine, second)
    with rows.lock() as again:
        assert again


def test_a_clock_moved_back_keeps_no_folder_waiting(database: Database) -> None:
    """A folder that would be quiet since a moment yet to come is quiet from now on."""
    rows = PostgresSourceRows(database)
    folder = rows.folder("folder")
    database.run("update source_folder set quiet_since = now() + interval '1 hour'")
    looked = rows.record_look(folder, [], [], [])
    assert looked.quiet_since == looked.looked_at
    assert looked.quiet_since == rows.record_look(folder, [], [], []).quiet_since
