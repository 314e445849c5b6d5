"""The contract of the source rows of files, in memory and in Postgres."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from common.errors import DependencyAwayError
from functions.poll_nas.source_rows import GONE, ArchivedFile, Copy, ListedFile
from tests.contract.sources import FILE, TIME, Sources


def test_new_files_wait(sources: Sources) -> None:
    """A new file waits with its size and time."""
    changes = sources.list_files(FILE)
    assert (1, 1, 0, 0, 1) == (
        changes.files,
        changes.found,
        changes.skipped,
        changes.changed,
        changes.waiting,
    )
    (file,) = sources.waiting()
    assert ("a/b.dcm", 1, 7, TIME) == (file.path, file.version, file.size, file.modified_at)


def test_junk_is_skipped(sources: Sources) -> None:
    """A file with a cause is skipped at once, and later changes of it do not count."""
    junk = replace(FILE, cause="temporary file")
    changes = sources.list_files(junk)
    assert (1, 1, 0) == (changes.found, changes.skipped, changes.waiting)
    assert 0 == sources.list_files(replace(junk, size=9)).found
    assert {"a/b.dcm": (1, "skipped", "temporary file")} == sources.states()


def test_changed_waiting_file_has_its_new_size(sources: Sources) -> None:
    """A file still being written is the same file with another size."""
    sources.list_files(FILE)
    (before,) = sources.waiting()
    changes = sources.list_files(replace(FILE, size=8))
    assert (0, 1, 1) == (changes.found, changes.changed, changes.waiting)
    assert [replace(before, size=8)] == sources.waiting()


def test_file_gone_before_its_copy_is_skipped(sources: Sources) -> None:
    """A waiting file that was deleted is skipped; a copied one stays copied."""
    sources.list_files(FILE, ListedFile("c", 1, TIME))
    (copied,) = [file for file in sources.waiting() if file.path == "c"]
    sources.copy(copied)
    assert 0 == sources.list_files().waiting
    assert {"a/b.dcm": (1, "skipped", GONE), "c": (1, "copied", None)} == sources.states()


def test_file_that_came_back_is_found_again(sources: Sources) -> None:
    """A file that was gone before its copy is another version when it comes back."""
    sources.list_files(FILE)
    sources.list_files()
    assert 1 == sources.list_files(FILE).found
    assert {"a/b.dcm": (2, "waiting", None)} == sources.states()


def test_copied_file(sources: Sources) -> None:
    """A file counts as copied only after its copy is verified, not when it is planned."""
    sources.list_files(FILE)
    (file,) = sources.waiting()
    sources.rows.plan_copies([(file.id, "incoming/folder/a/b.dcm")])
    assert [file] == sources.waiting()
    sources.copy(file)
    assert [] == sources.waiting()
    assert 0 == sources.list_files(FILE).found
    assert {"a/b.dcm": (1, "copied", None)} == sources.states()


def test_other_content_of_a_path_is_a_new_version(sources: Sources) -> None:
    """Other content waits as another version, which is linked to the version before."""
    sources.list_files(FILE)
    (first,) = sources.waiting()
    sources.copy(first)
    assert 1 == sources.list_files(replace(FILE, size=9)).found
    (second,) = sources.waiting()
    assert (2, 9) == (second.version, second.size)
    assert {first.id: None, second.id: first.id} == sources.replaced()


def test_files_of_a_later_folder_are_linked_to_the_earlier_ones(sources: Sources) -> None:
    """A file with the same path in a later folder of the same name is linked to the earlier file."""
    sources.list_files(FILE)
    (first,) = sources.waiting()
    sources.copy(first)
    sources.rows.record_processed(sources.rows.folder("folder"), mark="folder_processed")
    sources.list_files(FILE, ListedFile("c", 1, TIME))
    second, other = sorted(sources.waiting(), key=lambda file: file.path)
    assert (1, 1) == (second.version, other.version)
    assert {first.id: None, second.id: first.id, other.id: None} == sources.replaced()


def test_many_files_are_read_in_batches(sources: Sources) -> None:
    """Each of many files is found once, and returned once, however many there are."""
    many = [ListedFile(f"{number:05}", number, TIME) for number in range(1200)]
    assert 1200 == sources.list_files(*many).found
    assert [file.path for file in many] == sorted(file.path for file in sources.waiting())
    assert (0, 0) == (sources.list_files(*many).found, sources.list_files(*many).changed)


def test_listing_that_fails_changes_nothing(sources: Sources) -> None:
    """A listing that fails before its end changes no row."""

    def failing() -> Iterator[ListedFile]:
        yield FILE
        raise DependencyAwayError

    folder = sources.rows.folder("folder")
    with pytest.raises(DependencyAwayError):
        sources.rows.record_listing(folder, failing(), listed_time=TIME)
    assert {} == sources.states()
    assert folder == sources.rows.folder("folder")
    sources.rows.record_failed_visit(folder)
    after = sources.rows.folder("folder")
    assert after.looked_at >= folder.looked_at
    assert folder.quiet_since == after.quiet_since


def test_unpacked_files(sources: Sources) -> None:
    """Files in an archive are files of its folder, but in none of its listings."""
    listed = ListedFile("a.zip", 9, TIME)
    sources.list_files(listed)
    (archive,) = sources.waiting()
    file_id = sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 3, "k"))
    assert file_id is not None
    assert sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/junk", 3, "k2", cause="junk")) is None
    assert [archive] == sources.waiting()
    assert 1 == sources.list_files(listed).waiting
    sources.rows.record_copies([Copy(file_id, "k", "e", "s")])
    sources.rows.record_skipped(archive.id, cause="unpacked", sha256="s")
    assert {
        "a.zip": (1, "skipped", "unpacked"),
        "a.zip/x": (1, "copied", None),
        "a.zip/junk": (1, "skipped", "junk"),
    } == sources.states()


def test_interrupted_unpacking_is_continued(sources: Sources) -> None:
    """A file already in raw stays; one that is not, or has other content, is planned again."""
    sources.list_files(ListedFile("a.zip", 9, TIME))
    (archive,) = sources.waiting()
    first = sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 3, "k"))
    assert first is not None
    assert first == sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 3, "k"))
    sources.rows.record_copies([Copy(first, "k", "e", "s")])
    assert sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 3, "k")) is None
    assert first == sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 4, "k"))


def test_folder_that_replaces_an_archive(sources: Sources) -> None:
    """A folder that replaced an archive of the same name has its files as later versions."""
    sources.list_files(ListedFile("a.zip", 9, TIME))
    (archive,) = sources.waiting()
    sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 3, "k"))
    sources.rows.record_skipped(archive.id, cause="unpacked")
    assert 1 == sources.list_files(ListedFile("a.zip/x", 1, TIME)).found
    assert (2, "waiting", None) == sources.states()["a.zip/x"]


def test_file_with_the_path_of_an_archived_file_keeps_its_row(sources: Sources) -> None:
    """A folder named like an archive may have a file of the same path; its row stays."""
    sources.list_files(ListedFile("a.zip", 9, TIME), ListedFile("a.zip/x", 1, TIME))
    (archive, _) = sorted(sources.waiting(), key=lambda file: file.path)
    assert sources.rows.plan_unpacked(ArchivedFile(archive.id, "a.zip/x", 3, "k")) is None
