"""Polls of the NAS: when a folder is copied, and which of its files."""

import pytest

from common.store.object_key import RAW
from tests.support.poll_bench import LATER, QUIET, Polls


def test_folder_is_copied_when_it_is_quiet() -> None:
    """A folder is copied when two listings, far enough apart, are the same; then it is marked."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    assert [{"folder": 1, "found": 1, "waiting": 1}] == polls.poll()["folders"]
    assert 1 == polls.poll(after=QUIET / 2)["folders"][0]["waiting"]
    assert [] == polls.store.keys(RAW)
    assert 1 == polls.poll(after=QUIET)["folders"][0]["copied"]
    assert ["nas/f/a.dcm"] == polls.store.keys(RAW)
    assert ["f_processed"] == polls.nas.names()


@pytest.mark.parametrize("change", ["more", "larger", "touched", "gone"])
def test_any_change_ends_the_quiet_time(change: str) -> None:
    """A new, changed or deleted file makes a folder wait again."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.nas.write("f", "b.dcm", b"1")
    polls.poll()
    {
        "more": lambda: polls.nas.write("f", "c.dcm", b"1"),
        "larger": lambda: polls.nas.write("f", "a.dcm", b"12"),
        "touched": lambda: polls.nas.write("f", "a.dcm", b"1", modified_at=LATER),
        "gone": lambda: polls.nas.remove("f", "a.dcm"),
    }[change]()
    polls.poll(after=QUIET + 1)
    assert [] == polls.store.keys(RAW)
    polls.poll(after=QUIET + 1)
    assert "nas/f/b.dcm" in polls.store.keys(RAW)
    assert ["f_processed"] == polls.nas.names()


def test_junk_is_skipped_and_never_copied() -> None:
    """System and temporary files have rows with their cause, and are not copied."""
    polls = Polls()
    polls.nas.write("f", "@eaDir/x", b"1")
    polls.nas.write("f", "~$a.docx", b"1")
    polls.nas.write("f", "a.dcm", b"1")
    polls.until_quiet()
    assert {"@eaDir": "skipped", "~$a.docx": "skipped", "a.dcm": "copied"} == polls.states()
    assert ["nas/f/a.dcm"] == polls.store.keys(RAW)


def test_copy_has_the_bytes_of_the_file() -> None:
    """The object in raw is byte for byte the file on the NAS."""
    polls, data = Polls(), bytes(range(256)) * 1000
    polls.nas.write("f", "a.dcm", data)
    polls.until_quiet()
    assert data == polls.store.buckets[RAW]["nas/f/a.dcm"].data


def test_file_that_grows_while_it_is_copied_never_becomes_an_object() -> None:
    """A file longer than listed is not copied; the next polls copy it completely."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.poll()
    open_ = polls.nas.open
    polls.nas.open = lambda folder, path: (polls.nas.write(folder, path, b"12"), open_(folder, path))[1]
    assert "grew" in polls.poll(after=QUIET + 1)["folders"][0]["cause"]
    assert [] == polls.store.keys(RAW)
    polls.nas.open = open_
    polls.poll(after=1)
    polls.poll(after=QUIET + 1)
    assert b"12" == polls.store.buckets[RAW]["nas/f/a.dcm"].data


def test_file_that_shrinks_while_it_is_copied_never_becomes_an_object() -> None:
    """A file shorter than listed is not copied."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"123")
    polls.poll()
    open_ = polls.nas.open
    polls.nas.open = lambda folder, path: (polls.nas.write(folder, path, b"12"), open_(folder, path))[1]
    polls.poll(after=QUIET + 1)
    assert [] == polls.store.keys(RAW)
    assert {"a.dcm": "waiting"} == polls.states()


def test_empty_file_is_copied() -> None:
    """An empty file is copied; extract refuses it with a cause."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"")
    polls.until_quiet()
    assert ["nas/f/a.dcm"] == polls.store.keys(RAW)


def test_a_folder_under_the_name_of_an_earlier_file_is_not_hidden() -> None:
    """Files of a folder that comes where a file was get keys that MinIO lists beside the file's."""
    polls = Polls(mark=None)
    polls.nas.write("f", "case", b"1")
    polls.until_quiet()
    polls.nas.remove("f", "case")
    polls.nas.write("f", "case/deep/1.dcm", b"2")
    polls.until_quiet()
    assert ["nas/f/case", "nas/f/case%00folder/deep/1.dcm"] == polls.store.keys(RAW)
