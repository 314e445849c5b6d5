"""The contract of the source rows of folders, in memory and in Postgres."""

from dataclasses import replace
from datetime import timedelta

import pytest

from common.database import Database
from common.nas.storable_name import original, storable
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.source_rows import GONE, ArchivedFile, ListedFile
from tests.contract.sources import FILE, TIME, Sources


def test_folder_is_created_once(sources: Sources) -> None:
    """A name means the same folder until the folder is marked."""
    first = sources.rows.folder("Müller 100%")
    assert first == sources.rows.folder("Müller 100%")
    assert (1, None, None) == (first.generation, first.processed_at, first.mark)
    assert first.id != sources.rows.folder("").id


def test_folder_with_the_name_of_a_marked_one_is_new(sources: Sources) -> None:
    """A new folder with the earlier name of a marked one is another generation."""
    first = sources.rows.folder("folder")
    sources.rows.record_processed(first, mark="folder_processed")
    second = sources.rows.folder("folder")
    assert (2, None) == (second.generation, second.processed_at)
    assert first.id != second.id


def test_processed_folder_that_was_not_renamed_is_reused(sources: Sources) -> None:
    """On a read-only NAS the folder keeps its row when more files come."""
    first = sources.rows.folder("folder")
    sources.rows.record_processed(first, mark=None)
    again = sources.rows.folder("folder")
    assert first.id == again.id
    assert again.processed_at is not None


def test_planned_mark_is_known_until_the_folder_is_processed(sources: Sources) -> None:
    """A rename under way is known, so that it can be repaired after a crash."""
    folder = sources.rows.folder("folder")
    assert [] == sources.rows.planned_marks()
    sources.rows.plan_mark(folder, mark="folder_processed")
    assert [(folder.id, "folder_processed")] == [
        (each.id, each.mark) for each in sources.rows.planned_marks()
    ]
    sources.rows.record_processed(folder, mark="folder_processed")
    assert [] == sources.rows.planned_marks()


def test_known_folders(sources: Sources) -> None:
    """Folders are found by their present names on the NAS, with a flag whether any file waits."""
    first = sources.rows.folder("folder")
    sources.rows.record_processed(first, mark="folder_processed")
    sources.list_files(FILE)
    (file,) = sources.waiting()
    sources.rows.folder("elsewhere")
    names = ["folder", "folder_processed", "other", "m\udcfc"]
    known = {folder.mark or folder.name: folder for folder in sources.rows.known_folders(names)}
    assert {"folder", "folder_processed"} == set(known)
    assert (2, True) == (known["folder"].generation, known["folder"].has_waiting)
    assert (first.id, False) == (known["folder_processed"].id, known["folder_processed"].has_waiting)
    sources.copy(file)
    assert {False} == {folder.has_waiting for folder in sources.rows.known_folders(names)}


def test_visit_stores_the_folder_s_time_of_change(sources: Sources) -> None:
    """The folder's time at its last visit shows later whether it may have changed."""
    folder = sources.rows.folder("folder")
    assert folder.listed_time is None
    assert TIME == sources.rows.record_listing(folder, [], listed_time=TIME).folder.listed_time
    assert [TIME] == [known.listed_time for known in sources.rows.known_folders(["folder"])]


def test_unchanged_listing_keeps_the_quiet_time(sources: Sources) -> None:
    """The quiet time lasts while listings are the same; any change ends it at the end of the visit."""
    before = sources.rows.folder("folder")
    quiet = sources.list_files().folder
    assert before.quiet_since == quiet.quiet_since
    assert quiet.looked_at >= before.looked_at
    for listing in ([FILE], [replace(FILE, size=8)], []):
        changed = sources.list_files(*listing).folder
        assert changed.quiet_since >= changed.looked_at
        again = sources.list_files(*listing).folder
        assert changed.quiet_since == again.quiet_since


@pytest.mark.parametrize("name", ["m\udcfc.dcm", "m\\xfc.dcm", "\\\\xfc", "a\\", "心 \udc80\udcff", "\\x"])
def test_names_that_are_not_unicode_are_stored(sources: Sources, name: str) -> None:
    """A name with bytes that are not UTF-8 has its own row, and can be restored from it."""
    folder = sources.rows.folder(name)
    assert folder.id == sources.rows.folder(name).id
    assert name == original(folder.name)
    sources.list_files(ListedFile(storable(name), 1, TIME), folder=name)
    assert [name] == [original(file.path) for file in sources.waiting(name)]


def test_only_one_poll_has_the_lock(sources: Sources) -> None:
    """While one poll runs, another one gets no lock; afterwards it does."""
    with sources.rows.lock() as is_held, sources.rows.lock() as second:
        assert is_held is not None
        assert is_held()
        assert second is None
    with sources.rows.lock() as again:
        assert again is not None


def test_quiet_time_starts_again_if_the_clock_was_moved_back(database: Database) -> None:
    """A quiet time that would begin in the future begins now."""
    rows = PostgresSourceRows(database)
    folder = rows.folder("folder")
    database.run("update source_folder set quiet_since = now() + interval '1 hour'")
    looked = rows.record_listing(folder, [], listed_time=None).folder
    assert looked.quiet_since - looked.looked_at < timedelta(minutes=1)
    assert looked.quiet_since == rows.record_listing(folder, [], listed_time=None).folder.quiet_since


def test_a_copy_that_failed_is_tried_again_if_the_clock_was_moved_back(database: Database) -> None:
    """A copy that seems to have failed in the future is tried in the next visit, and once in each."""
    rows = PostgresSourceRows(database)
    folder = rows.folder("folder")
    folder = rows.record_listing(folder, [FILE], listed_time=None).folder
    ((file,),) = rows.waiting(folder)
    rows.record_failed_copy(file.id, cause="Away.")
    assert [] == list(rows.waiting(folder))
    database.run("update source_file set tried_at = now() + interval '20 minutes'")
    folder = rows.record_listing(folder, [FILE], listed_time=None).folder
    assert [[file.id]] == [[each.id for each in batch] for batch in rows.waiting(folder)]
    rows.record_failed_copy(file.id, cause="Away.")
    assert [] == list(rows.waiting(folder))


def test_absent_folder_is_closed_at_the_second_time(sources: Sources) -> None:
    """Waiting files of a folder that two listings of the root lack are gone; a present folder goes on."""
    sources.list_files(FILE)
    sources.list_files(FILE, folder="other")
    assert 0 == sources.rows.record_present(["other", "Müller"])
    assert {"a/b.dcm": (1, "waiting", None)} == sources.states()
    assert 0 == sources.rows.record_present(["folder", "other"])
    assert 0 == sources.rows.record_present(["other"])
    assert 1 == sources.rows.record_present(["other"])
    assert 0 == sources.rows.record_present(["other"])
    assert ([], 1) == (sources.waiting(), len(sources.waiting("other")))
    sources.rows.record_present(["folder", "other"])
    assert (1, 1) == (sources.list_files(FILE).found, len(sources.waiting()))


def test_absent_folder_closes_its_archived_files(sources: Sources) -> None:
    """Files of an archive that was half unpacked are gone with their folder, and with their archive."""
    for close in (lambda: [sources.rows.record_present([]) for _ in range(2)], sources.list_files):
        sources.list_files(ListedFile("a.zip", 9, TIME))
        (archive,) = sources.waiting()
        sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 3, "k"))
        close()
        assert {"a.zip": "skipped", "a.zip/x": "skipped"} == {
            path: state for path, (_, state, _) in sources.states().items()
        }


def test_files_in_the_root_are_never_absent(sources: Sources) -> None:
    """The root is in no listing of folders, and its files go on waiting."""
    sources.list_files(FILE, folder="")
    assert [0, 0, 0] == [sources.rows.record_present([]) for _ in range(3)]
    assert 1 == len(sources.waiting(""))


def test_renamed_folder_of_a_mark_is_known_by_its_mark(sources: Sources) -> None:
    """Late files of a marked folder wait as long as its marked name is there."""
    sources.list_files(FILE)
    folder = sources.rows.folder("folder")
    sources.rows.record_processed(folder, mark="folder_processed")
    assert [0, 0] == [sources.rows.record_present(["folder_processed"]) for _ in range(2)]
    assert [0, 1] == [sources.rows.record_present(["folder"]) for _ in range(2)]
    assert {"a/b.dcm": (1, "skipped", GONE)} == sources.states()


def test_cause_of_a_failed_visit(database: Database) -> None:
    """The cause of a failed visit is stored until a visit succeeds; a folder that is gone has none."""
    rows = PostgresSourceRows(database)
    causes = "select cause from source_folder"
    folder = rows.folder("folder")
    rows.record_failed_visit(folder, cause="May not be read.")
    assert [{"cause": "May not be read."}] == database.all(causes)
    rows.record_listing(folder, [], listed_time=None)
    assert [{"cause": None}] == database.all(causes)
    rows.record_failed_visit(folder, cause="May not be read.")
    rows.record_present([])
    assert "no longer" in database.all(causes)[0]["cause"]
    rows.record_present([])
    assert [{"cause": None}] == database.all(causes)


def test_folders_with_an_unknown_mark_are_counted(sources: Sources) -> None:
    """The number of the newest poll; the time says since when it is this."""
    numbers = []
    for number in (3, 3, 0):
        sources.rows.record_unknown_marks(number)
        numbers.append(sources.unknown_marks())
    assert [3, 3, 0] == numbers
