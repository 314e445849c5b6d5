"""The contract of the source rows of files, in memory and in Postgres."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from common.errors import DependencyAwayError
from common.nas.nas import EARLIEST, LATEST
from functions.poll_nas.source_rows import (
    FAULT_ENDED,
    GONE,
    UPLOAD,
    UPLOAD_ENDED,
    UPLOAD_GIVEN_UP,
    ArchivedFile,
    Copy,
    ListedFile,
)
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
    sources.rows.record_failed_visit(folder, cause="Away.")
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


def test_blocked_files_wait_with_their_cause(sources: Sources) -> None:
    """A file that can't be copied yet waits and is counted, but is not returned for copying."""
    upload = ListedFile("x.part", 1, TIME, UPLOAD, is_blocked=True)
    changes = sources.list_files(FILE, upload)
    assert (2, 0, 2, 1, UPLOAD) == (
        changes.found,
        changes.skipped,
        changes.waiting,
        changes.blocked,
        changes.cause,
    )
    assert ["a/b.dcm"] == [file.path for file in sources.waiting()]
    assert (1, "waiting", UPLOAD) == sources.states()["x.part"]
    again = sources.list_files(FILE, replace(upload, cause="Other."))
    assert (0, 0, "Other.") == (again.found, again.changed, again.cause)


def test_completed_upload(sources: Sources) -> None:
    """A partial upload that is gone is skipped as such; the next one of its name waits."""
    upload = ListedFile("x.part", 1, TIME, UPLOAD, is_blocked=True)
    sources.list_files(upload)
    sources.list_files(FILE)
    assert (1, "skipped", UPLOAD_ENDED) == sources.states()["x.part"]
    assert 1 == sources.list_files(FILE, upload).found
    assert (2, "waiting", UPLOAD) == sources.states()["x.part"]


def test_upload_that_is_given_up(sources: Sources) -> None:
    """A partial upload that is given up stays skipped until it changes; other blocked files still wait."""
    upload = ListedFile("x.part", 1, TIME, UPLOAD, is_blocked=True)
    fault = ListedFile("secret", 0, TIME, "May not be read.", is_blocked=True)
    sources.list_files(upload, fault)
    assert 1 == sources.rows.give_up_uploads(sources.rows.folder("folder"))
    assert 0 == sources.list_files(upload, fault).found
    assert (1, "skipped", UPLOAD_GIVEN_UP) == sources.states()["x.part"]
    assert (1, "waiting", "May not be read.") == sources.states()["secret"]
    assert 1 == sources.list_files(replace(upload, size=2), fault).found


def test_files_below_a_folder_that_can_t_be_listed(sources: Sources) -> None:
    """They are not gone; the entry of the folder ends when it can be listed, and starts again when not."""
    file, near = ListedFile("secret/b", 1, TIME), ListedFile("secretary", 1, TIME)
    fault = ListedFile("secret", 0, EARLIEST, "May not be read.", is_blocked=True)
    sources.list_files(file, near)
    assert (1, 3) == (sources.list_files(fault, near).found, sources.list_files(fault, near).waiting)
    assert (1, "waiting", None) == sources.states()["secret/b"]
    assert 1 == len([path for path in sources.states() if path == "secret/b"])
    assert 1 == sources.list_files(fault).waiting - 1
    assert (1, "skipped", GONE) == sources.states()["secretary"]
    assert 0 == sources.list_files(file).found
    assert (1, "skipped", FAULT_ENDED) == sources.states()["secret"]
    assert 1 == sources.list_files(fault).found


def test_file_in_place_of_a_blocked_entry(sources: Sources) -> None:
    """A file that has the path of a folder that could not be listed is copied."""
    sources.list_files(ListedFile("x", 0, EARLIEST, "May not be read.", is_blocked=True))
    assert 1 == sources.list_files(ListedFile("x", 5, TIME)).changed
    assert ["x"] == [file.path for file in sources.waiting()]
    assert (1, "waiting", None) == sources.states()["x"]


def test_failed_copies_come_last(sources: Sources) -> None:
    """A file whose copy failed is tried after all others, once in a visit, the longest ago first."""
    files = [ListedFile(name, 1, TIME) for name in "abcd"]
    sources.list_files(*files)
    a, b, c, d = sources.waiting()
    for file in (b, a):
        sources.rows.record_failed_copy(file.id, cause="May not be read.")
    assert ["c", "d"] == [file.path for file in sources.waiting()]
    sources.list_files(*files)
    assert ["c", "d", "b", "a"] == [file.path for file in sources.waiting()]
    assert (1, "waiting", "May not be read.") == sources.states()["a"]
    sources.copy(a)
    assert (1, "copied", None) == sources.states()["a"]
    sources.list_files(files[0], replace(files[1], size=2), *files[2:])
    assert (1, "waiting", None) == sources.states()["b"]
    assert [b.id, c.id, d.id] == [file.id for file in sources.waiting()]


@pytest.mark.parametrize("time", [EARLIEST, LATEST])
def test_first_and_last_time(sources: Sources, time: datetime) -> None:
    """The first and the last time of a file are stored and read in every time zone."""
    file = replace(FILE, modified_at=time)
    sources.list_files(file)
    assert [time] == [each.modified_at for each in sources.waiting()]
    assert 0 == sources.list_files(file).changed
