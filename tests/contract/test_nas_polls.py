"""Polls of a fake DSM with the real store and database: killed at any point, in parallel, refused."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from common.database import Database
from common.errors import SettingsError
from common.store.minio_store import MinioStore
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from tests.contract.nas_polls import Polling, poll_until_killed
from tests.fake_dsm.server import FAULTS, FakeDsm
from tests.fake_dsm.share import ROOT
from tests.support.local_home import wait_for
from tests.support.own_bucket import remove_bucket

ALL_FAULTS = [*FAULTS, "stall", "hang"]
METHODS = ("list", "download", "rename", "login", "getinfo")


@pytest.fixture
def polling(
    dsm: FakeDsm, endpoints: dict[str, Any], minio: MinioStore, database: Database, database_url: str
) -> Iterator[Polling]:
    minio.ensure_bucket("nas-polls")
    assert dsm.ca_file is not None
    user, password = dsm.sign_in.user, dsm.sign_in.password
    yield Polling(endpoints["minio"], "nas-polls", database_url, dsm.port, dsm.ca_file, user, password)
    remove_bucket(minio, "nas-polls")


def _fill(dsm: FakeDsm, random: Random) -> dict[str, bytes]:
    """Write files in some folders; return the objects that must be in the store afterwards."""
    expected = {}
    for folder in ("Doe^Jane 1", "Müller 100%", "c+d", "-e'f\"", "many"):
        for number in range(40 if folder == "many" else 8):
            path = f"{folder}/{'deep/' * (number % 3)}{number} ü+%.dcm"
            data = random.randbytes(random.randrange(200_000))
            expected["nas/" + path.replace("%", "%25")] = data
            dsm.share.write(f"{ROOT}/{path}", data)
    return expected


def _stored(minio: MinioStore) -> dict[str, bytes]:
    listed = list(minio.list_prefix("nas-polls", ""))
    return {each.version.location.key: minio.read(each.version) for each in listed}


def _marked(dsm: FakeDsm) -> list[str]:
    return [name.removesuffix("_processed") for name in dsm.share.find(ROOT).entries if "_proc" in name]


@contextmanager
def _process(polling: Polling) -> Iterator[tuple[Any, Any]]:
    """A process that polls until it is killed, and the pipe with its answers."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.contract.nas_polls"])
    answers, child = context.Pipe()
    process = context.Process(target=poll_until_killed, args=(polling, child), daemon=True)
    process.start()
    child.close()
    try:
        yield process, answers
    finally:
        process.kill()
        process.join()
        answers.close()


def _answers(pipe: Any) -> str:
    answers = ""
    try:
        while pipe.poll():
            answers += pipe.recv()
    except EOFError:  # the process was killed
        pass
    return answers


def _all_done(dsm: FakeDsm, folders: int) -> bool:
    return folders == len(_marked(dsm))


def test_polls_killed_ten_times_under_every_fault(
    dsm: FakeDsm, polling: Polling, minio: MinioStore, database: Database
) -> None:
    """Each file is in raw once, byte for byte, and no folder is marked before all of its files are."""
    random = Random(16)
    expected, answers = _fill(dsm, random), ""
    for _ in range(10):
        for method in METHODS:
            # A login refused with an error code is not repeated, so these faults are left out.
            faults = [fault for fault in ALL_FAULTS if method != "login" or fault[:4] != "code"]
            dsm.faults[method] = [random.choice([None, None, None, None, *faults]) for _ in range(6)]
        until = len(dsm.requests) + random.randrange(1, 60)
        with _process(polling) as (process, pipe):
            # Killed at any request, or while it works on the answer to the last one.
            wait_for(lambda until=until: len(dsm.requests) >= until or _all_done(dsm, 5), seconds=5)
            process.kill()
            process.join()
            answers += _answers(pipe)
        stored = _stored(minio)
        assert stored.items() <= expected.items()
        for folder in _marked(dsm):
            prefix = f"nas/{folder.replace('%', '%25')}/"
            assert {key for key in expected if key.startswith(prefix)} <= set(stored)
    dsm.faults.clear()
    with _process(polling) as (_, pipe):
        assert wait_for(lambda: _all_done(dsm, 5), seconds=60), _marked(dsm)
        answers += _answers(pipe)
    assert expected == _stored(minio)
    rows = database.all(
        "select state, count(*) as files, count(distinct raw_key) as keys from source_file group by state"
    )
    assert [{"state": "copied", "files": len(expected), "keys": len(expected)}] == rows
    for secret in (dsm.sign_in.password, *dsm.sign_in.given, "Doe", "Müller"):
        assert secret not in answers


def test_parallel_polls(dsm: FakeDsm, polling: Polling, minio: MinioStore, database: Database) -> None:
    """Of several processes only one polls at a time, and each file is copied once."""
    expected = _fill(dsm, Random(17))
    with _process(polling) as (_, first), _process(polling) as (_, second), _process(polling):
        assert wait_for(lambda: _all_done(dsm, 5), seconds=60)
        assert wait_for(lambda: "Another poll is running" in _answers(first) + _answers(second), seconds=30)
    assert expected == _stored(minio)
    assert len(expected) == dsm.requests.count("download")


def test_bytes_that_change_on_the_way_are_found(
    dsm: FakeDsm, polling: Polling, minio: MinioStore, database: Database
) -> None:
    """With the NAS's own MD5, no file with another byte than on the NAS becomes an object."""
    expected = _fill(dsm, Random(18))
    dsm.faults["download"] = ["flip"] * 3
    with _process(replace(polling, check_md5=True)) as (_, pipe):
        assert wait_for(lambda: _all_done(dsm, 5), seconds=60), _marked(dsm)
        assert "changed on its way from the NAS" in _answers(pipe)
    assert expected == _stored(minio)
    assert len(expected) + 3 == dsm.requests.count("download")


def test_refused_password_is_tried_once_by_all_processes(
    dsm: FakeDsm, polling: Polling, database: Database
) -> None:
    """No restarted or parallel process tries a refused password again; a corrected one is tried at once."""
    wrong = Polling(**(vars(polling) | {"password": "Marker-of-a-wrong-one"}))
    for _ in range(3):
        for poller in (wrong.poller(), wrong.poller()):
            with pytest.raises(SettingsError, match="DCM2SET_NAS_PASSWORD"):
                poller.poll()
    assert 1 == dsm.sign_in.tries
    assert "Marker" not in str(database.all("select * from nas_refusal"))
    assert "no_updates" == polling.poller().poll()["status"]
    assert [] == database.all("select * from nas_refusal")


def test_lost_lock_is_noticed(database: Database) -> None:
    """A poll notices that its database session ended, because another poll may run now."""
    with PostgresSourceRows(database).lock() as is_held:
        assert is_held is not None
        assert is_held()
        database.all(
            "select pg_terminate_backend(pid) from pg_locks join pg_database d on d.oid = database "
            "where locktype = 'advisory' and pid <> pg_backend_pid() and datname = current_database()"
        )
        assert wait_for(lambda: not is_held(), seconds=10)
