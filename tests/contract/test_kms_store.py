"""A bucket with SSE-KMS by default, where no etag is an MD5: on a MinIO of its own."""

import io
import os
import secrets
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from minio.sseconfig import Rule, SSEConfig

from common.errors import PipelineError
from common.nas.mounted_share import FolderNas
from common.store.minio_store import MinioStore
from common.store.object_key import QUARANTINE, RAW, Location
from infra.local.minio_binary import find_minio
from tests.support.local_home import wait_for
from tests.support.poll_bench import Polls


@pytest.fixture
def kms_store(tmp_path: Path, endpoints: dict[str, object]) -> Iterator[MinioStore]:
    """A MinIO with a key of its own that encrypts two buckets."""
    assert endpoints  # a home runs, so the MinIO program is installed
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    keys = {"MINIO_ROOT_USER": "operator", "MINIO_ROOT_PASSWORD": "Marker-of-a-key"}
    kms = {"MINIO_KMS_SECRET_KEY": f"test:{b64encode(secrets.token_bytes(32)).decode()}"}
    process = subprocess.Popen(
        [str(find_minio()), "server", "--quiet", "--address", address, str(tmp_path / "data")],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MINIO_BROWSER": "off"} | keys | kms,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    store = MinioStore(endpoint=address, access_key="operator", secret_key="Marker-of-a-key")
    try:
        assert wait_for(lambda: _is_up(store), seconds=60)
        for bucket in (RAW, QUARANTINE):
            store.ensure_bucket(bucket)
            store.client.set_bucket_encryption(bucket, SSEConfig(Rule.new_sse_kms_rule("test")))
        yield store
    finally:
        process.terminate()
        process.wait(timeout=30)


def _is_up(store: MinioStore) -> bool:
    try:
        store.ensure_bucket(RAW)
    except PipelineError:
        return False
    return True


def test_objects_whose_etags_are_no_md5(kms_store: MinioStore, tmp_path: Path) -> None:
    """A file is copied from the NAS once, and its object can be moved; moved again, it is not doubled."""
    share = tmp_path / "share"
    (share / "f").mkdir(parents=True)
    (share / "f" / "a.dcm").write_bytes(b"content")
    polls = Polls()
    polls.store = kms_store
    polls.use(FolderNas(share))
    assert 1 == polls.until_quiet()["folders"][0]["copied"]
    assert ["f_processed"] == [path.name for path in share.iterdir()]
    (listed,) = kms_store.list_prefix(RAW, "")
    source = kms_store.stat(Location(RAW, "nas/f/a.dcm"))
    assert listed.version == source
    assert source.etag != "9a0364b9e99bb480dd25e1f0284c8555"  # the MD5
    target = Location(QUARANTINE, "raw/nas/f/a.dcm")
    copy = kms_store.copy(source, target)
    assert (target, b"content") == (copy.location, kms_store.read(copy))
    assert copy == kms_store.copy(source, target)
    other = kms_store.upload(Location(RAW, "other"), io.BytesIO(b"CONTENT"), size=7)
    assert target != kms_store.copy(other, target).location
