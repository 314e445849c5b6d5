"""Faults on real servers: whatever is killed, every file ends in its right state, once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import urllib3

from common.database import Database
from common.ledger.ledger import Claim
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.integration.test_line import image_rows
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

_DIE_BEFORE_RECORD = """
import os, sys
from common import wiring
from common.store.event_record import EventRecord
from functions.extract import image_allocation
image_allocation.PostgresAllocation.complete = lambda self, uid: os._exit(9)
from functions.extract.main import _target
target = _target()
print("ready", flush=True)
sys.stdin.readline()
target.on_record(EventRecord("raw", sys.argv[1]))
"""


def test_a_function_killed_between_output_and_record(home: RunningHome) -> None:
    """Outputs written, nothing recorded: the lease runs out, the work is done again, once."""
    key = "incoming/faults/between.dcm"
    client = home.store.client
    rules = client.get_bucket_notification("raw")
    client.delete_bucket_notification("raw")
    killed = subprocess.Popen(
        [sys.executable, "-c", _DIE_BEFORE_RECORD, key],
        env=home.function_environment("extract"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert killed.stdout is not None
        assert "ready\n" == killed.stdout.readline()  # before the sweep can be quicker
        home.put(key, make_instance(1, patient=201))
        killed.communicate("go\n", timeout=60)
    finally:
        client.set_bucket_notification("raw", rules)
    assert 9 == killed.returncode
    item = home.settled("extract", key)
    assert ("done", "extracted", 2) == (item["state"], item["outcome"], item["attempts"])
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    objects = [v.version.location.key for v in home.store.list_prefix(row["bucket"], row["key"])]
    assert [row["key"]] == objects
    home.wait_until_idle()


@pytest.mark.parametrize("victim", ["extract", "store_metadata", "quality", "postgres", "minio"])
def test_a_killed_process_loses_nothing(home: RunningHome, victim: str) -> None:
    """Killed with -9 while files arrive, a process comes back and every file comes through."""
    keys = [f"incoming/faults/{victim}/{number}.dcm" for number in range(12)]
    bodies = [make_instance(number, patient=202, study=hash_of(victim)) for number in range(12)]
    for number, (key, body) in enumerate(zip(keys, bodies, strict=True)):
        if number == 4:
            for process in home.processes(victim):
                process.kill()
        wait_for(lambda key=key, body=body: _put(home, key, body), seconds=60)
    wait_for(home.is_up, seconds=60)
    for key in keys:
        item = home.settled("extract", key)
        assert ("done", "extracted") == (item["state"], item["outcome"])
        assert 1 == len(image_rows(home, item["sop_instance_uid"], 1))
    balance = home.wait_until_idle()["balance"]
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])


def _put(home: RunningHome, key: str, body: bytes) -> bool:
    """Like any client: try again while the store is away."""
    try:
        home.put(key, body)
    except Exception:  # noqa: BLE001 whatever a store that is just being killed answers
        return False
    return True


def hash_of(name: str) -> int:
    """A number that is the same in every process."""
    return sum(name.encode())


def test_a_file_that_kills_its_worker_is_quarantined(home: RunningHome) -> None:
    """After three lost attempts an item is quarantined with that cause, and others flow on."""
    key = "incoming/faults/poison.dcm"
    client = home.store.client
    rules = client.get_bucket_notification("raw")
    client.delete_bucket_notification("raw")
    database = Database(home.endpoints["database_url"])
    try:
        body = make_instance(2, patient=201)
        version = ObjectVersion(Location("raw", key), home.put(key, body), len(body))
        ledger = PostgresLedger(database, function="extract")
        for _ in range(4):  # the lease of a worker that never comes back has run out at once
            assert isinstance(ledger.claim(version, lease_seconds=-1), Claim)
    finally:
        client.set_bucket_notification("raw", rules)
        database.close()
    item = home.settled("extract", key)
    assert "quarantined" == item["state"]
    assert "lost" in item["cause"]
    assert "times in a row" in item["cause"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DATABASE_URL", "postgresql://nobody:nothing@127.0.0.1:1/none"),
        ("DCM2SET_MINIO_ENDPOINT", "127.0.0.1:1"),
    ],
)
def test_a_function_whose_server_is_away_answers_503(
    home: RunningHome, tmp_path: Path, setting: str, value: str
) -> None:
    """Alone under functions-framework, with a server away: 503, Retry-After, and a health that says so."""
    environment = home.function_environment("store_metadata") | {setting: value}
    with home.alone("store_metadata", environment, tmp_path) as url:
        headers = {"Authorization": f"Bearer {home.endpoints['token']}"}
        body = b'{"bucket": "metadata", "key": "incoming/a.json", "etag": "0", "size": 1}'
        answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=60)
        assert 503 == answer.status
        assert int(answer.headers["Retry-After"]) > 0
        health = urllib3.request("GET", url, retries=False, timeout=60)
        assert (200, "degraded") == (health.status, health.json()["status"])
        assert "nothing" not in answer.data.decode() + health.data.decode()


def test_requests_that_are_no_events(home: RunningHome) -> None:
    """Malformed JSON is 400, a wrong or missing token 401, and health needs none."""
    url = home.endpoints["functions"]["extract"]
    assert 400 == home.post("extract", b"{").status
    assert 400 == home.post("extract", {"Records": [{"eventName": "s3:ObjectCreated:Put"}]}).status
    wrong = home.post("extract", {"bucket": "raw", "key": "incoming/x"}, token="wrong")
    assert (401, b"") == (wrong.status, wrong.data)
    assert 401 == urllib3.request("POST", url, body=b"{}", retries=False).status
    assert 200 == urllib3.request("HEAD", url, retries=False).status
    assert "ok" == urllib3.request("GET", url, retries=False).json()["status"]


def test_sixteen_workers_around_a_bucket_limit(start_home) -> None:
    """With many instances at once and more workers than usual, no bucket ever holds more than its limit."""
    home = start_home(
        DCM2SET_IMAGES_PER_BUCKET="7",
        DCM2SET_SWEEP_SECONDS="1",
        DCM2SET_SWEEP_GRACE_SECONDS="2",
        DCM2SET_WORKERS="4",
    )
    numbers = {name: len(home.processes(name)) for name in ("extract", "quality", "sweep")}
    assert {"extract": 5, "quality": 5, "sweep": 2} == numbers  # a parent each, and its workers
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: home.put(f"incoming/b/{n}.dcm", make_instance(n, patient=203)), range(30)))
    wait_for(lambda: home.status()["balance"]["files_extracted"] == 30, seconds=120)
    home.wait_until_idle()
    assert [7, 7, 7, 7, 2] == sorted((b["allocated"] for b in home.status()["buckets"]), reverse=True)
    for bucket in home.status()["buckets"]:
        objects = list(home.store.list_prefix(bucket["bucket"], ""))
        assert bucket["images_here"] == len(objects) <= 7


def test_each_function_sees_only_its_own(home: RunningHome) -> None:
    """A function's database role reads neither the NAS's names nor another function's ledger rows."""
    url = home.function_environment("quality")["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        functions = connection.execute("select distinct function from ledger_item").fetchall()
        assert [("quality",)] == functions
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select path from source_file")


def test_a_function_reads_no_bucket_beyond_its_card(home: RunningHome) -> None:
    """The object store user of quality can not read raw."""
    home.put("incoming/faults/secret.dcm", make_instance(3, patient=201))
    home.settled("extract", "incoming/faults/secret.dcm")
    store = home.store_of("quality")
    with pytest.raises(Exception, match="AccessDenied"):
        store.stat(Location("raw", "processed/faults/secret.dcm"))
