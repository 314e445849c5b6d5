"""Polls of the NAS: files that can't be copied yet, or never will be, next to files that can."""

from datetime import timedelta
from typing import Any

import pytest

from common.errors import DependencyAwayError
from common.store.object_key import RAW
from functions.poll_nas.source_rows import GONE, UPLOAD_ENDED, UPLOAD_GIVEN_UP, UPLOAD_HOURS
from tests.support.poll_bench import QUIET, Polls

PARTIAL = (
    *("CT.dcm.filepart", "CT.dcm.crdownload", "CT.dcm.partial", "CT.dcm.PART", "CT.TMP", ".CT.dcm.Xa3f9Q"),
    *("deep/.1.2.840.113619.2.dcm.zZ9aB1", ".syncthing.CT.dcm.tmp", "CT.dcm.cyberduckpart"),
)


@pytest.mark.parametrize("name", PARTIAL)
def test_partial_upload_delays_the_mark_only(name: str) -> None:
    """While a file is being uploaded, its folder is not marked; complete files are copied meanwhile."""
    polls = Polls()
    polls.nas.write("f", name, b"1")
    polls.nas.write("f", "a.dcm", b"1")
    (report,) = polls.until_quiet()["folders"]
    assert (1, 1) == (report["copied"], report["waiting"])
    assert f"{UPLOAD_HOURS} hours" in report["cause"]
    assert (["nas/f/a.dcm"], ["f"]) == (polls.store.keys(RAW), polls.nas.names())
    polls.nas.remove("f", name)
    polls.nas.write("f", "b.dcm", b"12")
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f/b.dcm"] == polls.store.keys(RAW)
    assert ["f_processed"] == polls.nas.names()
    assert UPLOAD_ENDED in polls.rows.causes.values()


def test_upload_that_never_ends_is_given_up() -> None:
    """A partial upload without a change for a day is skipped with its cause; more of it waits again."""
    polls = Polls()
    polls.nas.write("f", "a.dcm.filepart", b"1")
    polls.nas.write("f", "b.dcm", b"1")
    polls.until_quiet()
    polls.poll(after=(UPLOAD_HOURS - 1) * 3600)
    assert ["f"] == polls.nas.names()
    assert 1 == polls.poll(after=3601)["folders"][0]["skipped"]
    assert [UPLOAD_GIVEN_UP] == list(polls.rows.causes.values())
    assert ["f_processed"] == polls.nas.names()
    polls.nas.write("f_processed", "late.dcm.part", b"1")
    polls.nas.write("f_processed", "a.dcm.filepart", b"12")
    assert 2 == polls.poll(after=1)["folders"][0]["waiting"]


@pytest.mark.parametrize("name", [".IM.000001", "part", "a.tmp/CT.dcm", ".hidden.dcm", "Xa3f9Q"])
def test_names_like_those_of_partial_uploads(name: str) -> None:
    """A name that only resembles that of a partial upload does not wait."""
    polls = Polls()
    polls.nas.write("f", name, b"1")
    polls.until_quiet()
    assert [f"nas/f/{name}"] == polls.store.keys(RAW)


def test_unreadable_folder_does_not_stop_the_others() -> None:
    """What can be read is copied; the rest and the mark wait, with the cause, until it can be read."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.nas.write("f", "secret/b.dcm", b"1")
    polls.nas.unreadable = {"f/secret"}
    (report,) = polls.until_quiet()["folders"]
    assert (1, 1, True) == (report["copied"], report["waiting"], "give it the right" in report["cause"])
    assert (["nas/f/a.dcm"], ["f"]) == (polls.store.keys(RAW), polls.nas.names())
    polls.nas.unreadable = set()
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f/secret/b.dcm"] == polls.store.keys(RAW)
    assert ["f_processed"] == polls.nas.names()


def test_files_of_a_folder_that_becomes_unreadable_still_wait() -> None:
    """Files that were found before are not gone, and are copied under their first keys afterwards."""
    polls = Polls()
    polls.nas.write("f", "secret/b.dcm", b"1")
    polls.poll()
    polls.nas.unreadable = {"f/secret"}
    for _ in range(3):
        polls.poll(after=QUIET + 1)
    assert "waiting" == polls.states()["secret/b.dcm"]
    polls.nas.unreadable = set()
    polls.until_quiet()
    assert ["nas/f/secret/b.dcm"] == polls.store.keys(RAW)


def test_many_bad_files_do_not_stop_the_others() -> None:
    """Files that fail are tried again after all others, whatever their number and the kind of failure."""
    for error in (None, DependencyAwayError("A server is away.")):
        polls = Polls()
        for number in range(10):
            polls.nas.write("f", f"{number}.dcm", b"1")
        polls.poll()
        bad = {f"f/{number}.dcm" for number in range(6)}
        _fail(polls, bad, error)
        for _ in range(4):
            polls.poll(after=QUIET + 1)
        assert [f"nas/f/{number}.dcm" for number in range(6, 10)] == polls.store.keys(RAW)
        assert 6 == len([cause for cause in polls.rows.causes.values() if cause])
        bad.clear()
        for _ in range(2):
            polls.poll(after=QUIET + 1)
        assert (10, ["f_processed"]) == (len(polls.store.keys(RAW)), polls.nas.names())
        assert {} == polls.rows.causes


def _fail(polls: Polls, bad: set[str], error: Exception | None) -> None:
    if error is None:
        polls.nas.unreadable = bad
        return
    original = polls.nas.open

    def open_(folder: str, path: str) -> Any:
        if f"{folder}/{path}" in bad:
            raise error
        return original(folder, path)

    polls.nas.open = open_


def test_unforeseen_error_in_one_folder_does_not_stop_the_others() -> None:
    """Another folder is polled, and the cause has the kind of the error without its text."""
    polls = Polls()
    for folder in ("a", "b"):
        polls.nas.write(folder, "x.dcm", b"1")
    original = polls.nas.list_files

    def list_files(folder: str) -> Any:
        if folder == "a":
            raise ValueError("Doe")
        return original(folder)

    polls.nas.list_files = list_files
    answer = polls.until_quiet()
    assert "ValueError" in answer["folders"][0]["cause"]
    assert "Doe" not in str(answer)
    assert ["nas/b/x.dcm"] == polls.store.keys(RAW)


def test_files_of_a_folder_that_is_gone_are_closed() -> None:
    """A folder that two polls miss is closed with its cause; it is copied if it comes back."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.nas.write("g", "a.dcm", b"1")
    polls.poll()
    files = polls.nas.folders.pop("f")
    polls.poll(after=1)
    assert {"a.dcm": "waiting"} == polls.states()
    polls.poll(after=1)
    assert {"a.dcm": "skipped"} == polls.states()
    assert [GONE] == list(polls.rows.causes.values())
    polls.nas.folders["f"] = files
    polls.until_quiet()
    assert {"a.dcm": "copied"} == polls.states()
    assert ["f_processed", "g_processed"] == polls.nas.names()


def test_folder_that_one_poll_misses_goes_on() -> None:
    """A folder that is missing in one listing only keeps its files, under their first keys."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.poll()
    for _ in range(3):
        files = polls.nas.folders.pop("f")
        polls.poll(after=1)
        polls.nas.folders["f"] = files
        polls.poll(after=1)
    polls.poll(after=QUIET + 1)
    assert ["nas/f/a.dcm"] == polls.store.keys(RAW)


def test_renamed_folder_is_copied_once_under_its_new_name() -> None:
    """A folder renamed before it was copied leaves nothing that waits."""
    polls = Polls()
    polls.nas.write("f", "a.dcm", b"1")
    polls.poll()
    polls.nas.folders["other"] = polls.nas.folders.pop("f")
    for _ in range(3):
        polls.poll(after=QUIET + 1)
    assert ["nas/other/a.dcm"] == polls.store.keys(RAW)
    assert "waiting" not in polls.states().values()


@pytest.mark.parametrize(
    "name", ["$RECYCLE.BIN", "@Recycle", ".Trash-1000", ".snapshot", "System Volume Information", "#recycle"]
)
def test_recycle_bins_and_snapshots_are_never_touched(name: str) -> None:
    """A recycle bin or snapshot is neither copied nor renamed, in the root or in a folder."""
    polls = Polls()
    polls.nas.write(name, "deleted.dcm", b"1")
    polls.nas.write("f", f"{name}/deleted.dcm", b"1")
    polls.nas.write("f", "a.dcm", b"1")
    polls.until_quiet()
    polls.poll(after=timedelta(hours=1).total_seconds())
    assert ["nas/f/a.dcm"] == polls.store.keys(RAW)
    assert sorted([name, "f_processed"]) == polls.nas.names()


def test_bucket_whose_etags_are_no_md5() -> None:
    """With SSE-KMS a copy is verified by reading it again; it is copied once."""
    polls = Polls()
    polls.store.has_kms = True
    polls.nas.write("f", "a.dcm", b"1")
    assert 1 == polls.until_quiet()["folders"][0]["copied"]
    assert ["f_processed"] == polls.nas.names()
    assert 1 == len(polls.store.calls)


def test_damaged_copy_in_a_bucket_whose_etags_are_no_md5() -> None:
    """A copy with other bytes than the file is noticed, and the file waits."""
    polls = Polls()
    polls.store.has_kms = True
    polls.nas.write("f", "a.dcm", b"1")
    polls.poll()
    polls.store.stream = lambda _: iter([b"2"])
    (report,) = polls.poll(after=QUIET + 1)["folders"]
    assert (1, True) == (report["waiting"], "differs from the NAS" in report["cause"])
