"""Faults on real servers: whatever is killed, every file ends in its right state, exactly once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import urllib3

from common.database import Database
from common.ledger.ledger import Claim
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.support.image_rows import image_rows
from tests.support.local_home import RunningHome, wait_for
from tests.support.notifications import without_notifications
from tests.support.real_files import make_instance

_EXIT_BEFORE_SETTLEMENT = """
import os, sys
from common import wiring
from common.store.event_record import EventRecord
from functions.extract import image_allocation
image_allocation.PostgresAllocation.complete = lambda self, uid, _=None: os._exit(9)
from functions.extract.main import _target
target = _target()
print("ready", flush=True)
sys.stdin.readline()
target.on_record(EventRecord("raw", sys.argv[1]))
"""


def test_a_function_killed_between_output_and_settlement(home: RunningHome) -> None:
    """Its lease runs out, the work is repeated once, and the original that it left behind is removed."""
    key = "incoming/faults/between.dcm"
    with without_notifications(home):
        killed = subprocess.Popen(
            [sys.executable, "-c", _EXIT_BEFORE_SETTLEMENT, key],
            env=home.function_environment("extract"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert killed.stdout is not None
        assert "ready\n" == killed.stdout.readline()  # otherwise the sweep could claim the item first
        home.put(key, make_instance(1, patient=201))
        killed.communicate("go\n", timeout=60)
    assert 9 == killed.returncode
    assert home.originals_in_work()
    item = home.settled("extract", key)
    assert ("done", "extracted", 2) == (item["state"], item["outcome"], item["attempts"])
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    objects = [v.version.location.key for v in home.store.list_prefix(row["bucket"], row["key"])]
    assert [row["key"]] == objects
    home.wait_until_idle()
    assert wait_for(lambda: not home.originals_in_work(), seconds=60)


@pytest.mark.parametrize("victim", ["extract", "store_metadata", "quality", "postgres", "minio"])
def test_a_killed_process_loses_nothing(home: RunningHome, victim: str) -> None:
    """A process killed with SIGKILL while files arrive is started again, and every file is extracted."""
    keys = [f"incoming/faults/{victim}/{number}.dcm" for number in range(12)]
    bodies = [make_instance(number, patient=202, study=_number_of(victim)) for number in range(12)]
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
    """Put an object; False if the store is away, so that the caller tries again."""
    try:
        home.put(key, body)
    except Exception:  # noqa: BLE001 a store that is being killed fails in many ways
        return False
    return True


def _number_of(name: str) -> int:
    """A number for the name that is the same in every process, unlike hash()."""
    return sum(name.encode())


def test_a_file_that_kills_its_worker_is_quarantined(home: RunningHome) -> None:
    """After three crashes in a row an item is quarantined with that cause."""
    key = "incoming/faults/poison.dcm"
    database = Database(home.endpoints["database_url"])
    with without_notifications(home), closing(database):
        body = make_instance(2, patient=201)
        version = ObjectVersion(Location("raw", key), home.put(key, body), len(body))
        ledger = PostgresLedger(database, function="extract")
        for _ in range(4):  # a lease that has run out stands for a worker that was killed
            assert isinstance(ledger.claim(version, lease_seconds=-1), Claim)
    item = home.settled("extract", key)
    assert "quarantined" == item["state"]
    assert "crashed" in item["cause"]
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
    """A function whose server is away answers 503 with Retry-After, and its health is degraded."""
    environment = home.function_environment("store_metadata") | {setting: value}
    with home.second_process("store_metadata", environment, tmp_path) as url:
        headers = {"Authorization": f"Bearer {home.endpoints['token']}"}
        body = b'{"bucket": "metadata", "key": "incoming/a.json", "etag": "0", "size": 1}'
        answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=60)
        assert 503 == answer.status
        assert int(answer.headers["Retry-After"]) > 0
        health = urllib3.request("GET", url, retries=False, timeout=60)
        assert (200, "degraded") == (health.status, health.json()["status"])
        assert "nothing" not in answer.data.decode() + health.data.decode()


def test_requests_that_are_no_events(home: RunningHome) -> None:
    """Malformed JSON is answered 400, a wrong or missing token 401; health needs no token."""
    url = home.endpoints["functions"]["extract"]
    assert 400 == home.post("extract", b"{").status
    assert 400 == home.post("extract", {"Records": [{"eventName": "s3:ObjectCreated:Put"}]}).status
    wrong = home.post("extract", {"bucket": "raw", "key": "incoming/x"}, token="wrong")
    assert (401, b"") == (wrong.status, wrong.data)
    assert 401 == urllib3.request("POST", url, body=b"{}", retries=False).status
    assert "ok" == urllib3.request("GET", url, retries=False).json()["status"]


def test_every_function_says_that_it_is_ready(home: RunningHome) -> None:
    """A balancer may ask by HEAD, and Kubernetes by GET /ready; neither has a token."""
    for name, url in home.endpoints["functions"].items():
        assert 200 == urllib3.request("HEAD", url, retries=False).status, name
        answer = urllib3.request("GET", f"{url}ready", retries=False)
        assert {"function": name, "status": "ready"} == answer.json()


def test_sixteen_workers_around_a_bucket_limit(start_home) -> None:
    """With many instances at once and more workers than usual, no bucket exceeds its limit."""
    home = start_home(
        DCM2SET_IMAGES_PER_BUCKET="7",
        DCM2SET_SWEEP_SECONDS="1",
        DCM2SET_WORKERS="4",
    )
    numbers = {name: len(home.processes(name)) for name in ("extract", "quality", "sweep")}
    assert {"extract": 5, "quality": 5, "sweep": 2} == numbers  # each a parent process and its workers
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: home.put(f"incoming/b/{n}.dcm", make_instance(n, patient=203)), range(30)))
    wait_for(lambda: home.status()["balance"]["files_extracted"] == 30, seconds=120, pause=0.2)
    home.wait_until_idle()
    assert [7, 7, 7, 7, 2] == sorted((b["allocated"] for b in home.status()["buckets"]), reverse=True)
    for bucket in home.status()["buckets"]:
        objects = list(home.store.list_prefix(bucket["bucket"], ""))
        assert bucket["images_here"] == len(objects) <= 7


def test_each_function_sees_only_its_own(home: RunningHome) -> None:
    """A function's database role reads neither names of the NAS nor ledger rows of other functions."""
    home.put("incoming/faults/own rows.dcm", make_instance(4, patient=201))
    item = home.settled("extract", "incoming/faults/own rows.dcm")
    assert image_rows(home, item["sop_instance_uid"], 1)
    url = home.function_environment("quality")["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        functions = connection.execute("select distinct function from ledger_item").fetchall()
        assert [("quality",)] == functions
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select path from source_file")


def test_a_function_reads_no_bucket_beyond_its_card(home: RunningHome) -> None:
    """The object store user of quality cannot read raw."""
    home.put("incoming/faults/secret.dcm", make_instance(3, patient=201))
    home.settled("extract", "incoming/faults/secret.dcm")
    store = home.store_of("quality")
    with pytest.raises(Exception, match="AccessDenied"):
        store.stat(Location("raw", "processed/faults/secret.dcm"))
