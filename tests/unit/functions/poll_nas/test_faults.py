"""Polls of the NAS: marks, crashes, odd names, answers and logs."""

import pytest

from common.errors import DependencyAwayError
from common.store.object_key import RAW
from tests.support.poll_bench import QUIET, Polls


def test_error_in_one_folder_does_not_affect_the_others() -> None:
    """A folder that can't be read is reported with its cause; the other folders are still polled."""
    polls = Polls()
    for folder in ("a", "b"):
        polls.nas.write(folder, "x.dcm", b"1")
    polls.poll()
    open_ = polls.nas.open

    def fails(folder: str, path: str):
        if folder == "a":
            raise DependencyAwayError("The NAS can't be read (OSError).")
        return open_(folder, path)

    polls.nas.open = fails
    answer = polls.poll(after=QUIET + 1)
    assert ["The NAS can't be read (OSError).", None] == [each.get("cause") for each in answer["folders"]]
    assert ["nas/b/x.dcm"] == polls.store.keys(RAW)


def test_new_folder_with_the_name_of_a_marked_one_is_a_new_generation() -> None:
    """A new folder with an earlier name is copied under its own keys, and its mark has a number."""
    polls = Polls()
    for content in (b"1", b"2"):
        polls.nas.write("f", "a.dcm", content)
        polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f~2/a.dcm"] == polls.store.keys(RAW)
    assert ["f_processed", "f_processed2"] == polls.nas.names()


def test_unknown_marked_folders_are_not_visited() -> None:
    """A folder with the mark counts as done, even if it has no row; such folders are counted."""
    polls = Polls()
    polls.nas.write("f_processed", "a.dcm", b"1")
    polls.nas.write("f_processed2", "a.dcm", b"1")
    expected = {"status": "no_updates", "folders": [], "marked_folders": 2, "unknown_marks": 2}
    assert expected == polls.until_quiet()
    assert 2 == polls.rows.unknown_marks
    assert [] == polls.store.keys(RAW)


def test_read_only_nas_is_never_renamed() -> None:
    """Without a mark, folders keep their names, and new files and contents in them are still found."""
    polls = Polls(mark=None)
    polls.nas.write("f", "a.dcm", b"1")
    polls.until_quiet()
    assert ["f"] == polls.nas.names()
    assert "no_updates" == polls.poll(after=1)["status"]
    polls.nas.write("f", "b.dcm", b"1")
    polls.nas.write("f", "a.dcm", b"22")
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f/a.dcm~2", "nas/f/b.dcm"] == polls.store.keys(RAW)


def test_files_in_the_root_are_copied() -> None:
    """Files in no folder are copied, too; there is no folder to mark."""
    polls = Polls()
    polls.nas.write("", "loose.dcm", b"1")
    polls.until_quiet()
    assert ["nas/loose.dcm"] == polls.store.keys(RAW)
    assert "no_updates" == polls.poll(after=1)["status"]


def test_file_that_was_deleted_and_came_back_is_copied() -> None:
    """A file gone before its copy is skipped; when it comes back, it is found again."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.nas.write("f", "b.dcm", b"1")
    polls.poll()
    polls.nas.remove("f", "a.dcm")
    polls.poll(after=1)
    assert "skipped" == polls.states()["a.dcm"]
    polls.nas.write("f", "a.dcm", b"1")
    polls.poll(after=1)
    polls.poll(after=QUIET + 1)
    assert {"a.dcm": "copied", "b.dcm": "copied"} == polls.states()


def test_crash_after_the_rename_is_repaired() -> None:
    """A folder that was renamed before its row was written is recorded as processed by the next poll."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.poll()
    polls.rows.record_processed, record_processed = _raise, polls.rows.record_processed
    with pytest.raises(KeyboardInterrupt):
        polls.poll(after=QUIET + 1)
    assert ["f_processed"] == polls.nas.names()
    polls.rows.record_processed = record_processed
    polls.poll(after=1)
    assert "f_processed" == polls.rows.folders[1].mark


def _raise(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_crash_after_the_copy_is_repaired() -> None:
    """A file that was copied before its row was written is copied again under the same key."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.poll()
    polls.rows.record_copies, record_copies = _raise, polls.rows.record_copies
    with pytest.raises(KeyboardInterrupt):
        polls.poll(after=QUIET + 1)
    polls.rows.record_copies = record_copies
    polls.poll(after=1)
    assert ["nas/f/a.dcm"] == polls.store.keys(RAW)
    assert {"a.dcm": "copied"} == polls.states()


def test_second_poll_at_the_same_time_does_nothing() -> None:
    """While one poll runs, another one answers that there are no updates."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    with polls.rows.lock():
        assert "no_updates" == polls.poll()["status"]
    assert {} == polls.rows.folders


def test_names_that_are_not_unicode_are_copied() -> None:
    """A name with a byte that is not UTF-8 and a name with the escape of this byte are two files."""
    polls = Polls()
    polls.nas.write("f", "m\udcfc.dcm", b"1")
    polls.nas.write("f", "m\\xfc.dcm", b"22")
    polls.until_quiet()
    assert 2 == len(polls.store.keys(RAW))
    assert ["f_processed"] == polls.nas.names()


def test_folder_with_a_name_that_is_not_unicode_is_copied_and_marked() -> None:
    """A folder with bytes in its name that are not UTF-8 is copied and marked under its own name."""
    polls = Polls()
    polls.nas.write("m\udcfcller", "a.dcm", b"1")
    polls.until_quiet()
    assert ["nas/m%FCller/a.dcm"] == polls.store.keys(RAW)
    assert ["m\udcfcller_processed"] == polls.nas.names()


def test_folders_named_like_temporary_files_are_polled() -> None:
    """A folder whose name ends like that of a temporary file is not skipped silently."""
    polls = Polls()
    polls.nas.write("Doe.tmp", "a.dcm", b"1")
    assert "updates" == polls.poll()["status"]


def test_answers_and_log_name_no_folder(log: list[str]) -> None:
    """Answers and logs have the ids of folders, because their names may name a patient."""
    polls = Polls()
    polls.nas.write("Doe^Jane", "Doe.dcm", b"1")
    answers = [polls.poll(), polls.poll(after=QUIET + 1)]
    polls.nas.write("Doe^Jane2", "Doe.dcm", b"1")
    polls.store.away = True
    answers += [polls.poll(), polls.poll(after=QUIET + 1)]
    assert "Doe" not in f"{answers} {log}"
