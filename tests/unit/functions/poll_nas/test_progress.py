"""Polls of the NAS: what a poll costs, how it goes on, and what comes late."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from common.errors import DependencyAwayError
from common.store.object_key import RAW
from tests.support.poll_bench import LATER, QUIET, Polls


class _Ticks:
    """A stopwatch on which every look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def _listed(polls: Polls) -> list[str]:
    """Record the folders that are looked into from now on."""
    whole, seen = polls.nas.list_files, []

    def list_files(folder: str) -> Any:
        seen.append(folder)
        return whole(folder)

    polls.nas.list_files = list_files
    return seen


@pytest.mark.parametrize("mark", ["<name>_processed", None])
def test_processed_folders_cost_no_request(mark: str | None) -> None:
    """A poll with nothing new asks for the root and for nothing of the folders that are done."""
    polls = Polls(mark=mark)
    for number in range(50):
        polls.nas.write(f"f{number}", "deep/a.dcm", b"1")
    polls.until_quiet()
    listed = _listed(polls)
    answer = polls.poll(after=1)
    assert [""] == listed
    assert ("no_updates", [], 50 if mark else 0) == (
        answer["status"],
        answer["folders"],
        answer["marked_folders"],
    )


@pytest.mark.parametrize("mark", ["<name>_processed", None])
def test_file_that_comes_after_the_mark_joins_its_folder(mark: str | None) -> None:
    """A late file is copied as a file of the same folder, whose row stays the same."""
    polls = Polls(mark=mark)
    polls.nas.write("f", "a.dcm", b"1")
    polls.until_quiet()
    (name,) = polls.nas.names()
    polls.nas.write(name, "late.dcm", b"22")
    assert [{"folder": 1, "found": 1, "waiting": 1}] == polls.poll(after=1)["folders"]
    assert [{"folder": 1, "copied": 1}] == polls.poll(after=QUIET + 1)["folders"]
    assert ["nas/f/a.dcm", "nas/f/late.dcm"] == polls.store.keys(RAW)
    assert ([name], 1) == (polls.nas.names(), len(polls.rows.folders))
    assert [] == polls.poll(after=1)["folders"]


def test_late_file_in_the_second_folder_of_a_name() -> None:
    """Two folders of one name keep their late files apart."""
    polls = Polls()
    for _ in range(2):
        polls.nas.write("f", "a.dcm", b"1")
        polls.until_quiet()
    polls.nas.write("f_processed2", "late.dcm", b"1")
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f~2/a.dcm", "nas/f~2/late.dcm"] == polls.store.keys(RAW)


def test_late_file_in_a_folder_whose_name_is_no_unicode() -> None:
    """Its late files lie under the same key as the others."""
    polls = Polls()
    polls.nas.write("m\udcfc", "a.dcm", b"1")
    polls.until_quiet()
    polls.nas.write("m\udcfc_processed", "late.dcm", b"1")
    polls.until_quiet()
    assert ["nas/m%FC/a.dcm", "nas/m%FC/late.dcm"] == polls.store.keys(RAW)


def test_what_the_root_does_not_tell_is_found_in_turn() -> None:
    """A late file deep in a processed folder is found when its folder's turn comes."""
    polls = Polls(recheck=2)
    for number in range(6):
        polls.nas.write(f"f{number}", "deep/a.dcm", b"1")
    polls.until_quiet()
    polls.nas.write("f4_processed", "deep/late.dcm", b"1")
    for _ in range(3):
        polls.poll(after=1)
    polls.poll(after=QUIET + 1)
    assert "nas/f4/deep/late.dcm" in polls.store.keys(RAW)


def test_changed_file_in_a_processed_folder_is_another_version() -> None:
    """Other content under a path that was copied is copied under a key of its own."""
    polls = Polls(recheck=1)
    polls.nas.write("f", "a.dcm", b"1")
    polls.until_quiet()
    polls.nas.write("f_processed", "a.dcm", b"22", modified_at=LATER)
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f/a.dcm~2"] == polls.store.keys(RAW)


def test_young_file_waits_by_the_nas_s_clock() -> None:
    """A file changed a moment ago by the NAS's clock isn't copied, whatever ours says."""
    polls = Polls()
    polls.nas.now = LATER + timedelta(seconds=QUIET / 2)
    polls.nas.write("f", "a.dcm", b"1", modified_at=LATER)
    assert 1 == polls.until_quiet()["folders"][0]["waiting"]
    polls.nas.now = LATER + timedelta(seconds=QUIET)
    assert 1 == polls.poll(after=1)["folders"][0]["copied"]


def test_file_from_the_future_is_no_young_file() -> None:
    """A time ahead of the NAS's clock keeps no folder waiting for years."""
    polls = Polls()
    polls.nas.now = LATER - timedelta(days=400)
    polls.nas.write("f", "a.dcm", b"1", modified_at=LATER)
    assert 1 == polls.until_quiet()["folders"][0]["copied"]


def test_poll_ends_with_its_time_and_the_next_goes_on() -> None:
    """Whatever the budget, each poll gets on, is told as unfinished, and in the end all is done."""
    polls = Polls(budget=3, stopwatch=_Ticks())
    for number in range(12):
        polls.nas.write(f"f{number:02}", "a.dcm", b"1")
    answers = [polls.poll(after=QUIET / 4) for _ in range(40)]
    assert answers[0]["not_reached"] > 0
    assert "DCM2SET_NAS_POLL_BUDGET_SECONDS" in answers[0]["cause"]
    assert 12 == len(polls.store.keys(RAW))
    assert all(name.endswith("_processed") for name in polls.nas.names())
    assert "not_reached" not in polls.poll()


def test_large_folder_keeps_no_other_waiting() -> None:
    """A folder that takes more than one poll comes last in the next one."""
    polls = Polls(budget=12, stopwatch=_Ticks())
    for number in range(60):
        polls.nas.write("a large one", f"{number}.dcm", b"1")
    polls.nas.write("b small one", "x.dcm", b"1")
    polls.poll()
    polls.poll(after=QUIET + 1)
    polls.poll(after=1)
    assert "nas/b small one/x.dcm" in polls.store.keys(RAW)
    assert "a large one" in polls.nas.names()
    for _ in range(10):
        polls.poll(after=1)
    assert 61 == len(polls.store.keys(RAW))


def test_files_are_copied_at_a_time() -> None:
    """As many files as set are under way together."""
    polls = Polls(copies=3)
    for number in range(6):
        polls.nas.write("f", f"{number}.dcm", b"1")
    polls.poll()
    together, whole = Barrier(3), polls.nas.open

    def open_(folder: str, path: str) -> Any:
        together.wait(timeout=10)
        return whole(folder, path)

    polls.nas.open = open_
    assert 6 == polls.poll(after=QUIET + 1)["folders"][0]["copied"]
    assert ["f_processed"] == polls.nas.names()


def test_one_bad_file_keeps_no_other_waiting() -> None:
    """A file that can't be read waits with its cause; the others are copied, and the folder isn't marked."""
    polls = Polls(copies=2)
    for name in "abcdef":
        polls.nas.write("f", name, b"1")
    polls.poll()
    whole = polls.nas.open

    def open_(folder: str, path: str) -> Any:
        if path == "c":
            raise DependencyAwayError("The NAS can't be read (OSError).")
        return whole(folder, path)

    polls.nas.open = open_
    (told,) = polls.poll(after=QUIET + 1)["folders"]
    assert (5, 1, "The NAS can't be read (OSError).") == (told["copied"], told["waiting"], told["cause"])
    assert ["f"] == polls.nas.names()
    polls.nas.open = whole
    polls.poll(after=1)
    assert ["f_processed"] == polls.nas.names()


def test_store_that_is_away_is_not_asked_for_every_file() -> None:
    """After some failures in a row the folder waits for the next poll."""
    polls = Polls()
    for number in range(50):
        polls.nas.write("f", f"{number}.dcm", b"1")
    polls.poll()
    opened, whole = [], polls.nas.open
    polls.nas.open = lambda folder, path: (opened.append(path), whole(folder, path))[1]
    polls.store.away = True
    (told,) = polls.poll(after=QUIET + 1)["folders"]
    assert (50, 3) == (told["waiting"], len(opened))
    polls.store.away = False
    assert 50 == polls.poll(after=1)["folders"][0]["copied"]


def test_poll_that_lost_its_lock_ends() -> None:
    """Another poll may run by now, so this one ends after the folder under way."""
    polls = Polls()
    for number in range(5):
        polls.nas.write(f"f{number}", "a.dcm", b"1")

    @contextmanager
    def lost() -> Iterator[Callable[[], bool]]:
        yield lambda: False

    polls.rows.lock = lost
    answer = polls.poll()
    assert (5, "The database ended the poll's session; the next poll goes on.") == (
        answer["not_reached"],
        answer["cause"],
    )


def test_folder_that_fails_comes_last() -> None:
    """Folders that can't be listed keep no other waiting, however short the polls are."""
    polls = Polls(budget=1, stopwatch=_Ticks())
    for name in ("a bad", "b bad", "good"):
        polls.nas.write(name, "a.dcm", b"1")
    whole = polls.nas.list_files

    def list_files(folder: str) -> Any:
        if "bad" in folder:
            raise DependencyAwayError("The NAS can't be read (OSError).")
        return whole(folder)

    polls.nas.list_files = list_files
    for _ in range(12):
        polls.poll(after=QUIET)
    assert ["nas/good/a.dcm"] == polls.store.keys(RAW)


def test_rows_that_can_t_be_told_are_copied_again() -> None:
    """Copies that the database doesn't take count for nothing; the next poll makes them again."""
    polls = Polls(copies=2)
    for number in range(40):
        polls.nas.write("f", f"{number}.dcm", b"1")
    polls.poll()
    whole, left = polls.rows.record_copies, iter([True])

    def record_copies(copies: Any) -> None:
        if next(left, None):
            raise DependencyAwayError("The database failed (OperationalError).")
        whole(copies)

    polls.rows.record_copies = record_copies
    (told,) = polls.poll(after=QUIET + 1)["folders"]
    assert "The database failed (OperationalError)." == told["cause"]
    assert 40 == told.get("copied", 0) + told["waiting"]
    assert ["f"] == polls.nas.names()
    polls.poll(after=1)
    assert ["f_processed"] == polls.nas.names()
    assert 40 == len(polls.rows.copies)
