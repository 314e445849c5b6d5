"""Polls of a fake DSM into the real store and rows: ended anywhere, two at a time, refused."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from common.database import Database
from common.errors import SettingsError
from common.store.minio_store import MinioStore
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from tests.contract.conftest import remove_bucket
from tests.contract.nas_polls import Polling, poll_until_killed
from tests.fake_dsm.client import ROOT
from tests.fake_dsm.server import FakeDsm, running_dsm
from tests.support.local_home import wait_for

FAULTS = [
    *("expire 106", "expire 107", "expire 119", "code 402", "code 408", "code 100", "http 502"),
    *("page", "drop", "cut", "short", "lost", "stall", "hang"),
]
METHODS = ("list", "download", "rename", "login", "getinfo")


@pytest.fixture
def dsm(tmp_path: Path) -> Iterator[FakeDsm]:
    with running_dsm(FakeDsm(), tmp_path) as dsm:
        dsm.share.write(f"{ROOT}/x", b"")
        dsm.share.remove(f"{ROOT}/x")
        yield dsm


@pytest.fixture
def polling(
    dsm: FakeDsm, endpoints: dict[str, Any], minio: MinioStore, database: Database, database_url: str
) -> Iterator[Polling]:
    minio.ensure_bucket("nas-polls")
    assert dsm.ca_file is not None
    user, password = dsm.sign_in.user, dsm.sign_in.password
    yield Polling(endpoints["minio"], "nas-polls", database_url, dsm.port, dsm.ca_file, user, password)
    remove_bucket(minio, "nas-polls")


def _filled(dsm: FakeDsm, random: Random) -> dict[str, bytes]:
    """Files in some folders; what is to be in the store of them."""
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
    """A process that polls, and is killed in the end; and what it tells."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.contract.nas_polls"])
    ours, its = context.Pipe()
    process = context.Process(target=poll_until_killed, args=(polling, its), daemon=True)
    process.start()
    its.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        ours.close()


def _told(pipe: Any) -> str:
    told = ""
    try:
        while pipe.poll():
            told += pipe.recv()
    except EOFError:  # it was killed
        pass
    return told


def _all_done(dsm: FakeDsm, folders: int) -> bool:
    return folders == len(_marked(dsm))


def test_polls_killed_twenty_times_under_every_fault(
    dsm: FakeDsm, polling: Polling, minio: MinioStore, database: Database
) -> None:
    """Each file is in raw once, byte for byte, and no folder is marked before all of it is."""
    random = Random(16)
    expected, answers = _filled(dsm, random), ""
    for _ in range(20):
        for method in METHODS:
            # A login refused by a code is final, as it should be.
            faults = [fault for fault in FAULTS if method != "login" or fault[:4] != "code"]
            dsm.faults[method] = [random.choice([None, None, None, None, *faults]) for _ in range(6)]
        until = len(dsm.asked) + random.randrange(1, 60)
        with _process(polling) as (process, pipe):
            # Killed at any of its requests, or while it works on what the last one gave.
            wait_for(lambda until=until: len(dsm.asked) >= until or _all_done(dsm, 5), seconds=5)
            process.kill()
            process.join()
            answers += _told(pipe)
        stored = _stored(minio)
        assert stored.items() <= expected.items()
        for folder in _marked(dsm):
            prefix = f"nas/{folder.replace('%', '%25')}/"
            assert {key for key in expected if key.startswith(prefix)} <= set(stored)
    dsm.faults.clear()
    with _process(polling) as (_, pipe):
        assert wait_for(lambda: _all_done(dsm, 5), seconds=60), _marked(dsm)
        answers += _told(pipe)
    assert expected == _stored(minio)
    rows = database.all(
        "select state, count(*) as files, count(distinct raw_key) as keys from source_file group by state"
    )
    assert [{"state": "copied", "files": len(expected), "keys": len(expected)}] == rows
    for secret in (dsm.sign_in.password, *dsm.sign_in.given, "Doe", "Müller"):
        assert secret not in answers


def test_two_schedulers_and_two_replicas(
    dsm: FakeDsm, polling: Polling, minio: MinioStore, database: Database
) -> None:
    """However many poll at a time, one does, and each file is put once."""
    expected = _filled(dsm, Random(17))
    with _process(polling) as (_, first), _process(polling) as (_, second), _process(polling):
        assert wait_for(lambda: _all_done(dsm, 5), seconds=60)
        assert wait_for(lambda: "Another poll is running" in _told(first) + _told(second), seconds=30)
    assert expected == _stored(minio)
    assert len(expected) == dsm.asked.count("download")


def test_refused_password_is_tried_once_by_all(dsm: FakeDsm, polling: Polling, database: Database) -> None:
    """Neither a restart nor a replica tries a refused password again; a mended one is tried at once."""
    wrong = Polling(**(vars(polling) | {"password": "Marker-of-a-wrong-one"}))
    for _ in range(3):
        for poller in (wrong.poller(), wrong.poller()):
            with pytest.raises(SettingsError, match="DCM2SET_NAS_PASSWORD"):
                poller.poll()
    assert 1 == dsm.sign_in.tries
    assert "Marker" not in str(database.all("select * from nas_refusal"))
    assert "no_updates" == polling.poller().poll()["status"]
    assert [] == database.all("select * from nas_refusal")


def test_lock_that_is_lost_is_told(database: Database) -> None:
    """A poll learns that its session with the database ended: another may run by now."""
    with PostgresSourceRows(database).lock() as is_held:
        assert is_held is not None
        assert is_held()
        database.all(
            "select pg_terminate_backend(pid) from pg_locks join pg_database d on d.oid = database "
            "where locktype = 'advisory' and pid <> pg_backend_pid() and datname = current_database()"
        )
        assert wait_for(lambda: not is_held(), seconds=10)
