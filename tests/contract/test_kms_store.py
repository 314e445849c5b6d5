"""A bucket with SSE-KMS by default, where no etag is an MD5: on a MinIO of its own."""

import io
import secrets
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from minio.sseconfig import Rule, SSEConfig

from common.nas.mounted_share import FolderNas
from common.store.minio_store import MinioStore
from common.store.object_key import QUARANTINE, RAW, Location
from tests.support.own_minio import own_minio
from tests.support.poll_bench import Polls


@pytest.fixture
def kms_store(tmp_path: Path, endpoints: dict[str, object]) -> Iterator[MinioStore]:
    """A MinIO with a key of its own that encrypts two buckets."""
    assert endpoints  # a home runs, so the MinIO program is installed
    kms = {"MINIO_KMS_SECRET_KEY": f"test:{b64encode(secrets.token_bytes(32)).decode()}"}
    with own_minio(tmp_path, environment=kms) as (store, process):
        assert process.poll() is None
        for bucket in (RAW, QUARANTINE):
            store.ensure_bucket(bucket)
            store.client.set_bucket_encryption(bucket, SSEConfig(Rule.new_sse_kms_rule("test")))
        yield store


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
