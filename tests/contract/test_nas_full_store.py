"""A raw bucket on a full disk: a real MinIO on a disk of 48 MB, if the system allows to mount one."""

import io
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from common.store.minio_store import MinioStore
from common.store.object_key import RAW, Location
from tests.support.local_home import wait_for
from tests.support.own_minio import own_minio
from tests.support.poll_bench import QUIET, Polls

MOUNTED = 'mount -t tmpfs -o size=48m tmpfs "$0" && exec "$@"'
NOISE = Random(2).randbytes(1_000_000)


@dataclass(frozen=True)
class SmallStore:
    """A store on a disk that can be enlarged, because MinIO frees deleted space only after minutes."""

    store: MinioStore
    process: int  # id of the process in whose mount namespace the disk is
    folder: Path

    def enlarge(self) -> None:
        inside = ["nsenter", "-t", str(self.process), "-U", "-m", "--preserve-credentials"]
        subprocess.run([*inside, "mount", "-o", "remount,size=128m", str(self.folder)], check=True)


@pytest.fixture
def small_store(tmp_path: Path, endpoints: dict[str, object]) -> Iterator[SmallStore | None]:
    """A MinIO on a small disk; None if users may not mount one."""
    assert endpoints  # a home runs, so the MinIO program is installed
    mounted = ["unshare", "-rm", "sh", "-c", MOUNTED, str(tmp_path)]
    with own_minio(tmp_path, within=mounted) as (store, process):
        yield None if process.poll() is not None else SmallStore(store, process.pid, tmp_path)


def test_full_disk(small_store: SmallStore | None) -> None:
    """Files that do not fit wait with their cause, and are copied when there is space."""
    polls, random = Polls(copies=2), Random(1)
    files = {f"nas/f/{number}.dcm": random.randbytes(1_000_000) for number in range(24)}
    for key, data in files.items():
        polls.nas.write("f", key.rpartition("/")[2], data)
    if small_store is None:
        polls.store.away = True
    else:
        polls.store = small_store.store
        polls.use(polls.nas)
        for number in range(28):  # MinIO accepts no large object on such a small disk
            ballast = Location(RAW, f"ballast/{number}")
            polls.store.upload(ballast, io.BytesIO(NOISE), size=len(NOISE))
    (report,) = polls.until_quiet()["folders"]
    assert "object store" in report["cause"]
    assert report["waiting"] >= 3
    assert ["f"] == polls.nas.names()
    if small_store is None:
        polls.store.away = False
    else:
        small_store.enlarge()
    # Each poll gives up a folder after three failures, and MinIO checks its free space only sometimes.
    assert wait_for(lambda: polls.poll(after=QUIET) and polls.nas.names() == ["f_processed"], seconds=60)
    stored = [each.version for each in polls.store.list_prefix(RAW, "nas/")]
    assert files == {version.location.key: polls.store.read(version) for version in stored}
