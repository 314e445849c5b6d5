"""A MinIO that a test starts for itself."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.errors import PipelineError
from common.store.minio_store import MinioStore
from common.store.object_key import RAW
from infra.local.stores.minio_server import MINIO
from tests.support.free_ports import free_port
from tests.support.local_home import wait_for

_USER, _PASSWORD = "operator", "Marker-of-a-key"


@contextmanager
def own_minio(
    folder: Path, *, within: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Iterator[tuple[MinioStore, subprocess.Popen[bytes]]]:
    """A MinIO with its data in a folder, and its process, once it answers or has ended.

    `within` is a command that gets MinIO's command as its arguments.
    """
    address = f"127.0.0.1:{free_port()}"
    keys = {"MINIO_ROOT_USER": _USER, "MINIO_ROOT_PASSWORD": _PASSWORD, "MINIO_BROWSER": "off"}
    process = subprocess.Popen(
        [*within, str(MINIO.found()), "server", "--quiet", "--address", address, str(folder / "data")],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)} | keys | dict(environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    store = MinioStore(endpoint=address, access_key=_USER, secret_key=_PASSWORD)
    try:
        assert wait_for(lambda: process.poll() is not None or takes_buckets(store), seconds=60)
        yield store, process
    finally:
        process.terminate()
        process.wait(timeout=30)


def takes_buckets(store: MinioStore) -> bool:
    """Whether a store that was just started takes requests."""
    try:
        store.ensure_bucket(RAW)
    except PipelineError:
        return False
    return True
