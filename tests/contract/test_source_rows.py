"""The source rows' contract, in memory and in Postgres."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.database import Database
from common.errors import DependencyAwayError
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.source_rows import (
    GONE,
    Copy,
    ListedFile,
    Look,
    SourceRows,
    WaitingFile,
    original,
    storable,
)
from tests.contract.conftest import KINDS
from tests.in_memory.source_rows import InMemorySourceRows

TIME = datetime(2024, 3, 1, 12, 30, 15, 250001, UTC)
FILE = ListedFile("a/b.dcm", 7, TIME)
FILES = "select id, path, version, state, cause, replaces from source_file order by path, version"
States = Callable[[], dict[str, tuple[Any, ...]]]


@pytest.fixture(params=KINDS)
def rows(request: pytest.FixtureRequest) -> SourceRows:
    if request.param == "memory":
        return InMemorySourceRows()
    return PostgresSourceRows(request.getfixturevalue("database"))


@pytest.fixture
def states(rows: SourceRows, request: pytest.FixtureRequest) -> States:
    """Version, state and cause of the newest row of each path."""

    def read() -> dict[str, tuple[Any, ...]]:
        if isinstance(rows, InMemorySourceRows):
            files = [file for files in rows.files_of.values() for file in files.values()]
            told = [vars(file) for file in sorted(files, key=lambda file: file.version)]
        else:
            told = request.getfixturevalue("database").all(FILES)
        return {file["path"]: (file["version"], file["state"], file["cause"]) for file in told}

    return read


@pytest.fixture
def replaced(rows: SourceRows, request: pytest.FixtureRequest) -> Callable[[], dict[int, int | None]]:
    """Which row each row replaces."""

    def read() -> dict[int, int | None]:
        if isinstance(rows, InMemorySourceRows):
            files = [file for files in rows.files_of.values() for file in files.values()]
            return {file.id: file.replaces for file in files}
        return {file["id"]: file["replaces"] for file in request.getfixturevalue("database").all(FILES)}

    return read


def _look(rows: SourceRows, *files: ListedFile, folder: str = "folder") -> Look:
    return rows.look(rows.folder(folder), iter(files), listed_time=None)


def _waiting(rows: SourceRows, folder: str = "folder") -> list[WaitingFile]:
    return [file for piece in rows.waiting(rows.folder(folder)) for file in piece]


def _copy(rows: SourceRows, file: WaitingFile) -> None:
    rows.record_copies([Copy(file.id, f"k{file.id}", "e", "s")])


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
    told = _look(rows, FILE)
    assert (1, 1, 0, 0, 1) == (told.files, told.found, told.skipped, told.changed, told.waiting)
    (file,) = _waiting(rows)
    assert ("a/b.dcm", 1, 7, TIME) == (file.path, file.version, file.size, file.modified_at)


def test_junk_is_skipped(rows: SourceRows, states: States) -> None:
    """A file found with a cause is skipped at once, and is no news however often it changes."""
    junk = replace(FILE, cause="temporary file")
    told = _look(rows, junk)
    assert (1, 1, 0) == (told.found, told.skipped, told.waiting)
    assert 0 == _look(rows, replace(junk, size=9)).found
    assert {"a/b.dcm": (1, "skipped", "temporary file")} == states()


def test_look_that_found_the_same_keeps_the_quiet(rows: SourceRows) -> None:
    """Quiet lasts while looks find nothing; any news ends it, when the look ends."""
    before = rows.folder("folder")
    quiet = _look(rows).folder
    assert before.quiet_since == quiet.quiet_since
    assert quiet.looked_at >= before.looked_at
    for listing in ([FILE], [replace(FILE, size=8)], []):
        news = _look(rows, *listing).folder
        assert news.quiet_since >= news.looked_at
        again = _look(rows, *listing).folder
        assert news.quiet_since == again.quiet_since


def test_waiting_file_that_changed_has_its_new_size(rows: SourceRows) -> None:
    """A file still being written is the same file with another size."""
    _look(rows, FILE)
    (before,) = _waiting(rows)
    told = _look(rows, replace(FILE, size=8))
    assert (0, 1, 1) == (told.found, told.changed, told.waiting)
    assert [replace(before, size=8)] == _waiting(rows)


def test_file_gone_before_its_copy_is_skipped(rows: SourceRows, states: States) -> None:
    """A waiting file that vanished is skipped; a copied one stays copied."""
    _look(rows, FILE, ListedFile("c", 1, TIME))
    (copied,) = [file for file in _waiting(rows) if file.path == "c"]
    _copy(rows, copied)
    assert 0 == _look(rows).waiting
    assert {"a/b.dcm": (1, "skipped", GONE), "c": (1, "copied", None)} == states()


def test_file_that_came_back_is_found_again(rows: SourceRows, states: States) -> None:
    """A file gone before its copy is another version when it is there again."""
    _look(rows, FILE)
    _look(rows)
    assert 1 == _look(rows, FILE).found
    assert {"a/b.dcm": (2, "waiting", None)} == states()


def test_copied_file(rows: SourceRows, states: States) -> None:
    """A file counts as copied only when its copy is verified, not when it is planned."""
    _look(rows, FILE)
    (file,) = _waiting(rows)
    rows.plan_copies([(file.id, "incoming/folder/a/b.dcm")])
    assert [file] == _waiting(rows)
    _copy(rows, file)
    assert [] == _waiting(rows)
    assert 0 == _look(rows, FILE).found
    assert {"a/b.dcm": (1, "copied", None)} == states()


def test_other_content_under_a_path_is_a_new_version(
    rows: SourceRows, replaced: Callable[[], dict[int, int | None]]
) -> None:
    """Another content waits as another version, which is linked to the one before."""
    _look(rows, FILE)
    (first,) = _waiting(rows)
    _copy(rows, first)
    assert 1 == _look(rows, replace(FILE, size=9)).found
    (second,) = _waiting(rows)
    assert (2, 9) == (second.version, second.size)
    assert {first.id: None, second.id: first.id} == replaced()


def test_folder_that_comes_again_is_linked_to_the_first(
    rows: SourceRows, replaced: Callable[[], dict[int, int | None]]
) -> None:
    """A file of the same name and path in a later folder is linked to the one of the earlier folder."""
    _look(rows, FILE)
    (first,) = _waiting(rows)
    _copy(rows, first)
    rows.record_processed(rows.folder("folder"), mark="folder_processed")
    _look(rows, FILE, ListedFile("c", 1, TIME))
    second, other = sorted(_waiting(rows), key=lambda file: file.path)
    assert (1, 1) == (second.version, other.version)
    assert {first.id: None, second.id: first.id, other.id: None} == replaced()


def test_many_files_are_told_in_pieces(rows: SourceRows) -> None:
    """Each of many files is found once, and told once however many there are."""
    many = [ListedFile(f"{number:05}", number, TIME) for number in range(1200)]
    assert 1200 == _look(rows, *many).found
    assert [file.path for file in many] == sorted(file.path for file in _waiting(rows))
    assert (0, 0) == (_look(rows, *many).found, _look(rows, *many).changed)


def test_listing_that_fails_changes_nothing(rows: SourceRows, states: States) -> None:
    """A listing that ends before its end is as if it had never been."""

    def failing() -> Iterator[ListedFile]:
        yield FILE
        raise DependencyAwayError

    folder = rows.folder("folder")
    with pytest.raises(DependencyAwayError):
        rows.look(folder, failing(), listed_time=TIME)
    assert {} == states()
    assert folder == rows.folder("folder")
    rows.record_failed_look(folder)
    after = rows.folder("folder")
    assert after.looked_at >= folder.looked_at
    assert folder.quiet_since == after.quiet_since


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
    _look(rows, FILE)
    (file,) = _waiting(rows)
    rows.folder("elsewhere")
    names = ["folder", "folder_processed", "other", "m\udcfc"]
    known = {folder.mark or folder.name: folder for folder in rows.known_folders(names)}
    assert {"folder", "folder_processed"} == set(known)
    assert (2, True) == (known["folder"].generation, known["folder"].has_waiting)
    assert (first.id, False) == (known["folder_processed"].id, known["folder_processed"].has_waiting)
    _copy(rows, file)
    assert {False} == {folder.has_waiting for folder in rows.known_folders(names)}


def test_look_keeps_the_folder_s_own_time(rows: SourceRows) -> None:
    """The time of a folder at its last look tells later whether there may be news."""
    folder = rows.folder("folder")
    assert folder.listed_time is None
    assert TIME == rows.look(folder, [], listed_time=TIME).folder.listed_time
    assert [TIME] == [known.listed_time for known in rows.known_folders(["folder"])]


def test_unpacked_files(rows: SourceRows, states: States) -> None:
    """Files of an archive are files of its folder, but in none of its listings."""
    listed = ListedFile("a.zip", 9, TIME)
    _look(rows, listed)
    (archive,) = _waiting(rows)
    number = rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k")
    assert number is not None
    assert rows.plan_unpacked(archive.id, path="a.zip/junk", size=3, raw_key="k2", cause="junk") is None
    assert [archive] == _waiting(rows)
    assert 1 == _look(rows, listed).waiting
    rows.record_copies([Copy(number, "k", "e", "s")])
    rows.record_skipped(archive.id, cause="unpacked", sha256="s")
    assert {
        "a.zip": (1, "skipped", "unpacked"),
        "a.zip/x": (1, "copied", None),
        "a.zip/junk": (1, "skipped", "junk"),
    } == states()


def test_interrupted_unpacking_goes_on(rows: SourceRows) -> None:
    """What is in raw already is left; what is not, or is another content, is planned again."""
    _look(rows, ListedFile("a.zip", 9, TIME))
    (archive,) = _waiting(rows)
    first = rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k")
    assert first is not None
    assert first == rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k")
    rows.record_copies([Copy(first, "k", "e", "s")])
    assert rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k") is None
    assert first == rows.plan_unpacked(archive.id, path="a.zip/x", size=4, raw_key="k")


def test_folder_in_an_archive_s_place(rows: SourceRows, states: States) -> None:
    """A folder that took the place of an archive of its name has its files as later versions."""
    _look(rows, ListedFile("a.zip", 9, TIME))
    (archive,) = _waiting(rows)
    rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k")
    rows.record_skipped(archive.id, cause="unpacked")
    assert 1 == _look(rows, ListedFile("a.zip/x", 1, TIME)).found
    assert (2, "waiting", None) == states()["a.zip/x"]


def test_file_of_an_archive_s_path_is_left_alone(rows: SourceRows) -> None:
    """A folder named like an archive may hold a file of the same path; it keeps its row."""
    _look(rows, ListedFile("a.zip", 9, TIME), ListedFile("a.zip/x", 1, TIME))
    (archive, _) = sorted(_waiting(rows), key=lambda file: file.path)
    assert rows.plan_unpacked(archive.id, path="a.zip/x", size=3, raw_key="k") is None


@pytest.mark.parametrize("name", ["m\udcfc.dcm", "m\\xfc.dcm", "\\\\xfc", "a\\", "心 \udc80\udcff", "\\x"])
def test_names_that_are_no_unicode_are_kept(rows: SourceRows, name: str) -> None:
    """A name with bytes that are no Unicode has a row of its own, from which it is made again."""
    folder = rows.folder(name)
    assert folder.id == rows.folder(name).id
    assert name == original(folder.name)
    _look(rows, ListedFile(storable(name), 1, TIME), folder=name)
    assert [name] == [original(file.path) for file in _waiting(rows, name)]


def test_only_one_poll_has_the_lock(rows: SourceRows) -> None:
    """While one poll runs another one is told so; afterwards it may."""
    with rows.lock() as mine, rows.lock() as second:
        assert mine is not None
        assert mine()
        assert second is None
    with rows.lock() as again:
        assert again is not None


def test_a_clock_moved_back_keeps_no_folder_waiting(database: Database) -> None:
    """A folder that would be quiet since a moment yet to come is quiet from now on."""
    rows = PostgresSourceRows(database)
    folder = rows.folder("folder")
    database.run("update source_folder set quiet_since = now() + interval '1 hour'")
    looked = rows.look(folder, [], listed_time=None).folder
    assert looked.quiet_since - looked.looked_at < timedelta(minutes=1)
    assert looked.quiet_since == rows.look(folder, [], listed_time=None).folder.quiet_since
