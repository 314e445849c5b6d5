"""Polls of a Synology NAS (a fake DSM, the real client), under every fault there is."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from common.errors import PipelineError, SettingsError
from common.store.object_key import RAW
from tests.fake_dsm.client import ROOT, client_of
from tests.fake_dsm.server import FakeDsm, running_dsm
from tests.support.poll_bench import QUIET, Polls

FAULTS = [
    *("expire 106", "expire 107", "expire 119", "code 402", "code 408", "code 100", "http 502"),
    *("page", "drop", "cut", "short", "lost"),
]


@pytest.fixture
def dsm(tmp_path: Path) -> Iterator[FakeDsm]:
    with running_dsm(FakeDsm(), tmp_path) as dsm:
        dsm.share.write(f"{ROOT}/x", b"")
        dsm.share.remove(f"{ROOT}/x")
        yield dsm


def _fill(dsm: FakeDsm, random: Random) -> dict[str, bytes]:
    """Files in three folders; what is to be in raw of them."""
    expected = {}
    for folder in ("Doe^Jane 1", "Müller 100%", "c+d"):
        for number in range(6):
            path = f"{folder}/{'deep/' * (number % 3)}{number}.dcm"
            expected["nas/" + path.replace("%", "%25")] = data = random.randbytes(random.randrange(3000))
            dsm.share.write(f"{ROOT}/{path}", data)
    return expected


def _all_whole(dsm: FakeDsm, polls: Polls, expected: dict[str, bytes]) -> None:
    """Nothing is marked that isn't whole in raw."""
    for name in dsm.share.find(ROOT).entries:
        stem, mark, _ = name.rpartition("_processed")
        if mark:
            prefix = f"nas/{stem.replace('%', '%25')}/"
            wanted = {key: data for key, data in expected.items() if key.startswith(prefix)}
            assert wanted == {
                key: stored.data for key, stored in polls.store.buckets[RAW].items() if key.startswith(prefix)
            }


class _EndedError(BaseException):
    """The process ends here."""


def _steps(polls: Polls) -> list[tuple[Any, str]]:
    rows = ("look", "plan_copies", "record_copies", "plan_mark", "record_processed")
    return [(polls.store, "upload"), *((polls.rows, name) for name in rows)]


def _ends_somewhere(polls: Polls, random: Random) -> None:
    """Let the process end at one of the steps that change something, before or after it."""
    step = random.choice(_steps(polls))
    count, is_before = random.randrange(1, 6), random.random() < 0.5
    whole = getattr(type(step[0]), step[1]).__get__(step[0])

    def ending(*args: Any, **values: Any) -> Any:
        nonlocal count
        count -= 1
        if count == 0 and is_before:
            raise _EndedError
        told = whole(*args, **values)
        if count == 0:
            raise _EndedError
        return told

    setattr(step[0], step[1], ending)


def _is_whole_again(polls: Polls) -> None:
    for port, name in _steps(polls):
        vars(port).pop(name, None)


@pytest.mark.parametrize("seed", range(20))
def test_each_file_once_whatever_happens(dsm: FakeDsm, seed: int, log: list[str]) -> None:
    """Under random faults and restarts each file is in raw once, byte for byte, and marked after."""
    random = Random(seed)
    expected = _fill(dsm, random)
    polls, answers = Polls(copies=4), []
    for _ in range(12):
        for method in ("list", "download", "rename", "login", "getinfo"):
            dsm.faults[method] = [random.choice([None, None, None, *FAULTS]) for _ in range(8)]
        _ends_somewhere(polls, random)
        with client_of(dsm) as nas:
            polls.use(nas)
            for _ in range(2):
                try:
                    answers.append(polls.poll(after=QUIET + 1))
                except (PipelineError, _EndedError) as error:
                    answers.append({"error": str(error)})
                _all_whole(dsm, polls, expected)
        _is_whole_again(polls)
    with client_of(dsm) as nas:
        polls.use(nas)
        answers += [polls.poll(after=QUIET + 1) for _ in range(4)]
    assert expected == {key: stored.data for key, stored in polls.store.buckets[RAW].items()}
    assert ["Doe^Jane 1_processed", "Müller 100%_processed", "c+d_processed"] == sorted(
        dsm.share.find(ROOT).entries
    )
    assert set() == dsm.sign_in.sids
    for secret in (dsm.sign_in.password, *dsm.sign_in.given, "Doe", "Müller"):
        assert secret not in f"{answers} {log}"


def test_poll_of_a_thousand_processed_folders(dsm: FakeDsm) -> None:
    """With nothing new a poll costs as many requests as the root has pages, and one for its files."""
    polls = Polls()
    for number in range(1000):
        dsm.share.write(f"{ROOT}/f{number:04}/a.dcm", b"1")
    with client_of(dsm) as nas:
        polls.use(nas)
        polls.until_quiet()
        assert 1000 == len(polls.store.keys(RAW))
        dsm.asked.clear()
        answer = polls.poll(after=1)
        assert ("no_updates", 1000) == (answer["status"], answer["marked_folders"])
    assert ["list", "list", "logout"] == dsm.asked


def test_file_that_grows_while_it_is_copied(dsm: FakeDsm) -> None:
    """A file that is longer than listed never becomes an object; the next polls copy it whole."""
    dsm.share.write(f"{ROOT}/f/a.dcm", b"1" * 1000)
    dsm.on_download = lambda path: dsm.share.write(path, b"2" * 1001)
    polls = Polls()
    with client_of(dsm) as nas:
        polls.use(nas)
        assert "grew" in polls.until_quiet()["folders"][0]["cause"]
        assert [] == polls.store.keys(RAW)
        polls.poll(after=1)
        polls.poll(after=QUIET + 1)
    assert b"2" * 1001 == polls.store.buckets[RAW]["nas/f/a.dcm"].data


@pytest.mark.parametrize("change", ["renamed", "deleted"])
def test_folder_that_goes_away_while_it_is_copied(dsm: FakeDsm, change: str) -> None:
    """A folder renamed or deleted in between fails alone; under its new name it is a new folder."""
    for name in ("f", "g"):
        dsm.share.write(f"{ROOT}/{name}/a.dcm", b"1")
        dsm.share.write(f"{ROOT}/{name}/b.dcm", b"1")

    def go_away(path: str) -> None:
        dsm.on_download = lambda _: None
        entries = dsm.share.find(ROOT).entries
        node = entries.pop("f")
        if change == "renamed":
            entries["other"] = node

    dsm.on_download = go_away
    polls = Polls(copies=1)
    with client_of(dsm) as nas:
        polls.use(nas)
        first, second = polls.until_quiet()["folders"]
        assert ("no longer has" in first["cause"], 2) == (True, second["copied"])
        for _ in range(3):
            polls.poll(after=QUIET + 1)
    kept = {key.split("/")[1] for key in polls.store.keys(RAW)}
    assert ({"g", "other"} if change == "renamed" else {"g"}) == kept


def test_full_disk_of_the_store(dsm: FakeDsm) -> None:
    """A store that takes nothing more is told; the NAS is left as it is."""
    dsm.share.write(f"{ROOT}/f/a.dcm", b"1")
    polls = Polls()
    with client_of(dsm) as nas:
        polls.use(nas)
        polls.poll()
        polls.store.away = True
        assert "object store" in polls.poll(after=QUIET + 1)["folders"][0]["cause"]
    assert ["f"] == list(dsm.share.find(ROOT).entries)


def test_wrong_password_is_no_loop(dsm: FakeDsm) -> None:
    """However often the timer comes, the account is tried once, and each poll says what to mend."""
    polls = Polls()
    with client_of(dsm, password="wrong") as nas:
        polls.use(nas)
        for _ in range(5):
            with pytest.raises(SettingsError, match="DCM2SET_NAS_PASSWORD"):
                polls.poll(after=30)
    assert 1 == dsm.sign_in.tries


def test_no_right_to_rename_is_told_by_every_poll(dsm: FakeDsm) -> None:
    """Files are copied all the same, once; the folder waits for its mark."""
    dsm.share.write(f"{ROOT}/f/a.dcm", b"1")
    dsm.share.may_write = False
    polls = Polls()
    with client_of(dsm) as nas:
        polls.use(nas)
        assert "DCM2SET_NAS_PROCESSED_MARK" in polls.until_quiet()["folders"][0]["cause"]
        assert "DCM2SET_NAS_PROCESSED_MARK" in polls.poll(after=1)["folders"][0]["cause"]
    assert (1, ["f"]) == (len(polls.store.calls), list(dsm.share.find(ROOT).entries))
