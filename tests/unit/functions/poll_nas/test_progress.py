"""Polls of the NAS: their cost, polls that are continued, and late files."""

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
    """A stopwatch that advances one second at each reading."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def _record_visits(polls: Polls) -> list[str]:
    """Record the folders that are listed from now on."""
    original, seen = polls.nas.list_files, []

    def list_files(folder: str) -> Any:
        seen.append(folder)
        return original(folder)

    polls.nas.list_files = list_files
    return seen


@pytest.mark.parametrize("mark", ["<name>_processed", None])
def test_processed_folders_cost_no_request(mark: str | None) -> None:
    """A poll without changes lists the root, and none of the finished folders."""
    polls = Polls(mark=mark)
    for number in range(50):
        polls.nas.write(f"f{number}", "deep/a.dcm", b"1")
    polls.until_quiet()
    listed = _record_visits(polls)
    answer = polls.poll(after=1)
    assert [""] == listed
    assert ("no_updates", [], 50 if mark else 0) == (
        answer["status"],
        answer["folders"],
        answer["marked_folders"],
    )


@pytest.mark.parametrize("mark", ["<name>_processed", None])
def test_file_that_comes_after_the_mark_joins_its_folder(mark: str | None) -> None:
    """A late file is copied as a file of the same folder, which keeps its row."""
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
    """Late files of two folders of the same name get different keys."""
    polls = Polls()
    for _ in range(2):
        polls.nas.write("f", "a.dcm", b"1")
        polls.until_quiet()
    polls.nas.write("f_processed2", "late.dcm", b"1")
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f~2/a.dcm", "nas/f~2/late.dcm"] == polls.store.keys(RAW)


def test_late_file_in_a_folder_with_a_name_that_is_not_unicode() -> None:
    """The late file gets a key with the same folder as the others."""
    polls = Polls()
    polls.nas.write("m\udcfc", "a.dcm", b"1")
    polls.until_quiet()
    polls.nas.write("m\udcfc_processed", "late.dcm", b"1")
    polls.until_quiet()
    assert ["nas/m%FC/a.dcm", "nas/m%FC/late.dcm"] == polls.store.keys(RAW)


def test_deep_late_file_is_found_by_rechecks() -> None:
    """A late file deep in a processed folder is found when its folder is rechecked."""
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
    """Other content of a copied path is copied under its own key."""
    polls = Polls(recheck=1)
    polls.nas.write("f", "a.dcm", b"1")
    polls.until_quiet()
    polls.nas.write("f_processed", "a.dcm", b"22", modified_at=LATER)
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f/a.dcm~2"] == polls.store.keys(RAW)


def test_recent_file_waits_by_the_clock_of_the_nas() -> None:
    """A file changed a moment ago by the clock of the NAS is not copied, whatever the own clock says."""
    polls = Polls()
    polls.nas.now = LATER + timedelta(seconds=QUIET / 2)
    polls.nas.write("f", "a.dcm", b"1", modified_at=LATER)
    assert 1 == polls.until_quiet()["folders"][0]["waiting"]
    polls.nas.now = LATER + timedelta(seconds=QUIET)
    assert 1 == polls.poll(after=1)["folders"][0]["copied"]


def test_file_with_a_time_in_the_future_does_not_wait() -> None:
    """A file time ahead of the clock of the NAS does not delay its folder."""
    polls = Polls()
    polls.nas.now = LATER - timedelta(days=400)
    polls.nas.write("f", "a.dcm", b"1", modified_at=LATER)
    assert 1 == polls.until_quiet()["folders"][0]["copied"]


def test_poll_ends_at_its_time_limit_and_the_next_continues() -> None:
    """Each poll makes progress and reports that it is unfinished, until everything is done."""
    polls = Polls(budget=3, stopwatch=_Ticks())
    for number in range(12):
        polls.nas.write(f"f{number:02}", "a.dcm", b"1")
    answers = [polls.poll(after=QUIET / 4) for _ in range(40)]
    assert answers[0]["not_reached"] > 0
    assert "DCM2SET_NAS_POLL_BUDGET_SECONDS" in answers[0]["cause"]
    assert 12 == len(polls.store.keys(RAW))
    assert all(name.endswith("_processed") for name in polls.nas.names())
    assert "not_reached" not in polls.poll()


def test_large_folder_does_not_delay_others() -> None:
    """A folder that takes more than one poll comes last in the next poll."""
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


def test_files_are_copied_in_parallel() -> None:
    """As many files as set are copied at the same time."""
    polls = Polls(copies=3)
    for number in range(6):
        polls.nas.write("f", f"{number}.dcm", b"1")
    polls.poll()
    together, original = Barrier(3), polls.nas.open

    def open_(folder: str, path: str) -> Any:
        together.wait(timeout=10)
        return original(folder, path)

    polls.nas.open = open_
    assert 6 == polls.poll(after=QUIET + 1)["folders"][0]["copied"]
    assert ["f_processed"] == polls.nas.names()


def test_one_bad_file_does_not_delay_others() -> None:
    """A file that can't be read keeps waiting; the others are copied, and the folder is not marked."""
    polls = Polls(copies=2)
    for name in "abcdef":
        polls.nas.write("f", name, b"1")
    polls.poll()
    original = polls.nas.open

    def open_(folder: str, path: str) -> Any:
        if path == "c":
            raise DependencyAwayError("The NAS can't be read (OSError).")
        return original(folder, path)

    polls.nas.open = open_
    (report,) = polls.poll(after=QUIET + 1)["folders"]
    assert (5, 1, "The NAS can't be read (OSError).") == (
        report["copied"],
        report["waiting"],
        report["cause"],
    )
    assert ["f"] == polls.nas.names()
    polls.nas.open = original
    polls.poll(after=1)
    assert ["f_processed"] == polls.nas.names()


def test_store_that_is_away_is_not_tried_for_every_file() -> None:
    """After three failures in a row the folder waits for the next poll."""
    polls = Polls()
    for number in range(50):
        polls.nas.write("f", f"{number}.dcm", b"1")
    polls.poll()
    opened, original = [], polls.nas.open
    polls.nas.open = lambda folder, path: (opened.append(path), original(folder, path))[1]
    polls.store.away = True
    (report,) = polls.poll(after=QUIET + 1)["folders"]
    assert (50, 3) == (report["waiting"], len(opened))
    polls.store.away = False
    assert 50 == polls.poll(after=1)["folders"][0]["copied"]


def test_poll_that_lost_its_lock_ends() -> None:
    """Another poll may run already, so this one ends after the present folder."""
    polls = Polls()
    for number in range(5):
        polls.nas.write(f"f{number}", "a.dcm", b"1")

    @contextmanager
    def lost() -> Iterator[Callable[[], bool]]:
        yield lambda: False

    polls.rows.lock = lost
    answer = polls.poll()
    assert (5, "The database ended the poll's session; the next poll continues.") == (
        answer["not_reached"],
        answer["cause"],
    )


def test_folder_that_fails_comes_last() -> None:
    """Folders that can't be listed do not delay others, however short the polls are."""
    polls = Polls(budget=1, stopwatch=_Ticks())
    for name in ("a bad", "b bad", "good"):
        polls.nas.write(name, "a.dcm", b"1")
    original = polls.nas.list_files

    def list_files(folder: str) -> Any:
        if "bad" in folder:
            raise DependencyAwayError("The NAS can't be read (OSError).")
        return original(folder)

    polls.nas.list_files = list_files
    for _ in range(12):
        polls.poll(after=QUIET)
    assert ["nas/good/a.dcm"] == polls.store.keys(RAW)


def test_copies_that_can_t_be_recorded_are_made_again() -> None:
    """Copies that could not be written to the database do not count; the next poll makes them again."""
    polls = Polls(copies=2)
    for number in range(40):
        polls.nas.write("f", f"{number}.dcm", b"1")
    polls.poll()
    original, failures = polls.rows.record_copies, iter([True])

    def record_copies(copies: Any) -> None:
        if next(failures, None):
            raise DependencyAwayError("The database failed (OperationalError).")
        original(copies)

    polls.rows.record_copies = record_copies
    (report,) = polls.poll(after=QUIET + 1)["folders"]
    assert "The database failed (OperationalError)." == report["cause"]
    assert 40 == report.get("copied", 0) + report["waiting"]
    assert ["f"] == polls.nas.names()
    polls.poll(after=1)
    assert ["f_processed"] == polls.nas.names()
    assert 40 == len(polls.rows.copies)
