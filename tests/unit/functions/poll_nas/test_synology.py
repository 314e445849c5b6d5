"""Polls of a Synology NAS under all kinds of faults, with a fake DSM and the real client."""

from random import Random
from typing import Any

import pytest

from common.errors import PipelineError, SettingsError
from common.store.object_key import RAW
from tests.fake_dsm.client import client_of
from tests.fake_dsm.server import FAULTS, FakeDsm
from tests.fake_dsm.share import ROOT
from tests.support.poll_bench import QUIET, Polls
from tests.support.stage_bench import WorkerKilled


def _fill(dsm: FakeDsm, random: Random) -> dict[str, bytes]:
    """Write files in three folders; return the objects that must be in raw afterwards."""
    expected = {}
    for folder in ("Doe^Jane 1", "Müller 100%", "c+d"):
        for number in range(6):
            path = f"{folder}/{'deep/' * (number % 3)}{number}.dcm"
            expected["nas/" + path.replace("%", "%25")] = data = random.randbytes(random.randrange(3000))
            dsm.share.write(f"{ROOT}/{path}", data)
    return expected


def _check_marked_folders(dsm: FakeDsm, polls: Polls, expected: dict[str, bytes]) -> None:
    """Every marked folder is complete in raw."""
    for name in dsm.share.find(ROOT).entries:
        stem, mark, _ = name.rpartition("_processed")
        if mark:
            prefix = f"nas/{stem.replace('%', '%25')}/"
            expected_files = {key: data for key, data in expected.items() if key.startswith(prefix)}
            assert expected_files == {
                key: stored.data for key, stored in polls.store.buckets[RAW].items() if key.startswith(prefix)
            }


def _steps(polls: Polls) -> list[tuple[Any, str]]:
    rows = ("record_listing", "plan_copies", "record_copies", "plan_mark", "record_processed")
    return [(polls.store, "upload"), *((polls.rows, name) for name in rows)]


def _end_at_random_step(polls: Polls, random: Random) -> None:
    """Let the process end before or after a random step that changes something."""
    step = random.choice(_steps(polls))
    count, is_before = random.randrange(1, 6), random.random() < 0.5
    original = getattr(type(step[0]), step[1]).__get__(step[0])

    def ending(*args: Any, **values: Any) -> Any:
        nonlocal count
        count -= 1
        if count == 0 and is_before:
            raise WorkerKilled
        answer = original(*args, **values)
        if count == 0:
            raise WorkerKilled
        return answer

    setattr(step[0], step[1], ending)


def _restore_steps(polls: Polls) -> None:
    for port, name in _steps(polls):
        vars(port).pop(name, None)


@pytest.mark.parametrize("seed", range(20))
def test_each_file_is_copied_once_under_random_faults(dsm: FakeDsm, seed: int, log: list[str]) -> None:
    """Under random faults and restarts each file is in raw once, unchanged, before its folder is marked."""
    random = Random(seed)
    expected = _fill(dsm, random)
    polls, answers = Polls(copies=4), []
    for _ in range(12):
        for method in ("list", "download", "rename", "login", "getinfo"):
            dsm.faults[method] = [random.choice([None, None, None, *FAULTS]) for _ in range(8)]
        _end_at_random_step(polls, random)
        with client_of(dsm) as nas:
            polls.use(nas)
            for _ in range(2):
                try:
                    answers.append(polls.poll(after=QUIET + 1))
                except (PipelineError, WorkerKilled) as error:
                    answers.append({"error": str(error)})
                _check_marked_folders(dsm, polls, expected)
        _restore_steps(polls)
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
    """Without changes a poll costs one request for each page of the root, and one for its files."""
    polls = Polls()
    for number in range(1000):
        dsm.share.write(f"{ROOT}/f{number:04}/a.dcm", b"1")
    with client_of(dsm) as nas:
        polls.use(nas)
        polls.until_quiet()
        assert 1000 == len(polls.store.keys(RAW))
        dsm.requests.clear()
        answer = polls.poll(after=1)
        assert ("no_updates", 1000) == (answer["status"], answer["marked_folders"])
    assert ["list", "list", "logout"] == dsm.requests


def test_file_that_grows_while_it_is_copied(dsm: FakeDsm) -> None:
    """A file longer than listed never becomes an object; the next polls copy it completely."""
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
def test_folder_that_is_renamed_or_deleted_while_it_is_copied(dsm: FakeDsm, change: str) -> None:
    """Only the renamed or deleted folder fails; under its new name it is a new folder."""
    for name in ("f", "g"):
        dsm.share.write(f"{ROOT}/{name}/a.dcm", b"1")
        dsm.share.write(f"{ROOT}/{name}/b.dcm", b"1")

    def change_folder(path: str) -> None:
        dsm.on_download = lambda _: None
        entries = dsm.share.find(ROOT).entries
        node = entries.pop("f")
        if change == "renamed":
            entries["other"] = node

    dsm.on_download = change_folder
    polls = Polls(copies=1)
    with client_of(dsm) as nas:
        polls.use(nas)
        first, second = polls.until_quiet()["folders"]
        assert ("no longer has" in first["cause"], 2) == (True, second["copied"])
        for _ in range(3):
            polls.poll(after=QUIET + 1)
    copied = {key.split("/")[1] for key in polls.store.keys(RAW)}
    assert ({"g", "other"} if change == "renamed" else {"g"}) == copied


def test_store_that_is_away(dsm: FakeDsm) -> None:
    """A store that accepts no objects is reported, and the NAS stays unchanged."""
    dsm.share.write(f"{ROOT}/f/a.dcm", b"1")
    polls = Polls()
    with client_of(dsm) as nas:
        polls.use(nas)
        polls.poll()
        polls.store.away = True
        assert "object store" in polls.poll(after=QUIET + 1)["folders"][0]["cause"]
    assert ["f"] == list(dsm.share.find(ROOT).entries)


def test_wrong_password_is_tried_once(dsm: FakeDsm) -> None:
    """The account is tried once, and every later poll names the setting to fix."""
    polls = Polls()
    with client_of(dsm, password="wrong") as nas:
        polls.use(nas)
        for _ in range(5):
            with pytest.raises(SettingsError, match="DCM2SET_NAS_PASSWORD"):
                polls.poll(after=30)
    assert 1 == dsm.sign_in.tries


def test_missing_right_to_rename_is_reported_by_every_poll(dsm: FakeDsm) -> None:
    """Files are copied once all the same, and the folder waits for its mark."""
    dsm.share.write(f"{ROOT}/f/a.dcm", b"1")
    dsm.share.may_write = False
    polls = Polls()
    with client_of(dsm) as nas:
        polls.use(nas)
        assert "DCM2SET_NAS_PROCESSED_MARK" in polls.until_quiet()["folders"][0]["cause"]
        assert "DCM2SET_NAS_PROCESSED_MARK" in polls.poll(after=1)["folders"][0]["cause"]
    assert (1, ["f"]) == (len(polls.store.calls), list(dsm.share.find(ROOT).entries))


def test_bad_files_do_not_stop_the_others(dsm: FakeDsm) -> None:
    """An unreadable folder, an unreadable file and an impossible time delay nothing else."""
    for path in ("f/a.dcm", "f/secret/b.dcm", "f/c.dcm", "g/d.dcm"):
        dsm.share.write(f"{ROOT}/{path}", b"1")
    dsm.share.find(f"{ROOT}/f/a.dcm").mtime = 910_692_730_085
    dsm.share.find(f"{ROOT}/g").mtime = 1e300
    dsm.share.unreadable = {f"{ROOT}/f/secret", f"{ROOT}/f/c.dcm"}
    polls = Polls()
    with client_of(dsm) as nas:
        polls.use(nas)
        answer = polls.until_quiet()
        assert ["nas/f/a.dcm", "nas/g/d.dcm"] == polls.store.keys(RAW)
        assert ["f", "g_processed"] == sorted(dsm.share.find(ROOT).entries)
        assert (2, True) == (
            answer["folders"][0]["waiting"],
            "DCM2SET_NAS_USER" in answer["folders"][0]["cause"],
        )
        dsm.share.unreadable = set()
        polls.until_quiet()
    assert 4 == len(polls.store.keys(RAW))
    assert ["f_processed", "g_processed"] == sorted(dsm.share.find(ROOT).entries)


def test_folder_that_is_renamed_before_it_is_copied(dsm: FakeDsm) -> None:
    """Nothing waits under the old name, and the folder is copied once under its new one."""
    dsm.share.write(f"{ROOT}/f/a.dcm", b"1")
    polls = Polls()
    with client_of(dsm) as nas:
        polls.use(nas)
        polls.poll()
        entries = dsm.share.find(ROOT).entries
        entries["other"] = entries.pop("f")
        for _ in range(3):
            polls.poll(after=QUIET + 1)
    assert (["nas/other/a.dcm"], {"a.dcm": "skipped"}) == (polls.store.keys(RAW), polls.states())
