"""A VersityGW that a test starts for itself, without users of its own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.store.minio_store import MinioStore
from infra.local.stores.versitygw_server import VERSITYGW
from tests.support.free_ports import free_port
from tests.support.local_home import wait_for
from tests.support.own_minio import takes_buckets

_USER, _PASSWORD = "operator", "Marker-of-a-key"


@contextmanager
def own_versitygw(folder: Path) -> Iterator[MinioStore]:
    """A VersityGW with its data in a folder, once it answers; it is built if there is none."""
    binary, address = VERSITYGW.binary(print), f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [str(binary), "--port", address, "--quiet", "posix", str(folder)],
        env={"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": _USER, "ROOT_SECRET_KEY": _PASSWORD},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    store = MinioStore(endpoint=address, access_key=_USER, secret_key=_PASSWORD, notifications=False)
    try:
        assert wait_for(lambda: takes_buckets(store), seconds=60), "VersityGW did not start"
        yield store
    finally:
        process.terminate()
        process.wait(timeout=30)
