"""Publishing: copies are read back, targets are never overwritten, an interrupted run goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.errors import DependencyAwayError, PermanentError, SettingsError
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from infra.training_sets.s3_target import open_target
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.exported_folder import files_of
from tests.support.shard_site import ShardSite
from training_set.publish.publish import Published, publish
from training_set.publish.target import FolderTarget, S3Target, Target

BUCKET = "published"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export as Parquet shards."""
    folder = tmp_path_factory.mktemp("exported") / "set"
    ShardSite().export(folder, "parquet")
    return folder


@pytest.fixture
def store() -> InMemoryObjectStore:
    store = InMemoryObjectStore()
    store.ensure_bucket(BUCKET)
    return store


@pytest.fixture(params=["folder", "s3", "s3 without a prefix"])
def target(request: pytest.FixtureRequest, store: InMemoryObjectStore, tmp_path: Path) -> Target:
    """A target of each kind, empty."""
    if request.param == "folder":
        return FolderTarget(tmp_path / "target")
    return S3Target(store, BUCKET, "" if "without" in request.param else "sets/chest")


def say(_: str) -> None:
    """Ignore a message."""


def contents(target: Target) -> dict[str, bytes]:
    return {name: target.read(name) or b"" for name in target.names()}


def stop_after(monkeypatch: pytest.MonkeyPatch, target: Target, number: int) -> Callable[[], list[str]]:
    """Let the target fail after some files; return a function that gives the names that were written."""
    written: list[str] = []
    put = type(target).put

    def limited(self: Any, name: str, source: Path) -> None:
        if len(written) >= number:
            raise DependencyAwayError("The object store does not answer; see DCM2SET_MINIO_ENDPOINT.")
        put(self, name, source)
        written.append(name)

    monkeypatch.setattr(type(target), "put", limited)
    monkeypatch.setattr("training_set.publish.publish._AT_A_TIME", 1)
    return lambda: written


def test_everything_is_published(exported: Path, target: Target) -> None:
    """Every file of the export is at the target with its content, and again nothing is copied."""
    files = files_of(exported)
    size = sum(len(body) for name, body in files.items() if name != "export.json")
    assert Published(len(files) - 1, 0, size) == publish(exported, target, say)
    assert files == contents(target)
    assert Published(0, len(files) - 1, size) == publish(exported, target, say)
    assert files == contents(target)


def test_an_interrupted_publication_goes_on(
    exported: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was copied is kept, the rest follows, and the manifest comes last."""
    with monkeypatch.context() as broken:
        written = stop_after(broken, target, 4)
        with pytest.raises(DependencyAwayError) as caught:
            publish(exported, target, say)
    assert "MINIO" not in str(caught.value)
    assert target.url in str(caught.value)
    assert {"export.json", *written()} == target.names()
    assert "manifest.json" not in target.names()
    done = publish(exported, target, say)
    assert (4, len(files_of(exported)) - 5) == (done.kept, done.copied)
    assert files_of(exported) == contents(target)


def test_a_target_with_other_files_is_refused(exported: Path, target: Target, tmp_path: Path) -> None:
    """Foreign files stay, and nothing is added to them."""
    (tmp_path / "thesis").write_bytes(b"mine")
    target.put("thesis.txt", tmp_path / "thesis")
    with pytest.raises(PermanentError, match="something else than a published training set"):
        publish(exported, target, say)
    assert {"thesis.txt": b"mine"} == contents(target)


def test_a_file_too_many_is_refused(exported: Path, target: Target, tmp_path: Path) -> None:
    """A published version with a foreign file is not called complete."""
    publish(exported, target, say)
    (tmp_path / "thesis").write_bytes(b"mine")
    target.put("data/thesis.txt", tmp_path / "thesis")
    with pytest.raises(PermanentError, match=r"1 file\(s\) that are not part .*data/thesis.txt"):
        publish(exported, target, say)


def test_another_version_is_refused(exported: Path, target: Target, tmp_path: Path) -> None:
    """A target with another export of a set stays as it is."""
    ShardSite().export(tmp_path / "other", "parquet", shard_bytes=9000)
    publish(tmp_path / "other", target, say)
    before = contents(target)
    with pytest.raises(PermanentError, match="contains set v1 as parquet, written with other content"):
        publish(exported, target, say)
    assert before == contents(target)


def test_a_changed_file_is_not_overwritten(exported: Path, target: Target, tmp_path: Path) -> None:
    """A file that was changed at the target is named and stays."""
    publish(exported, target, say)
    (tmp_path / "changed").write_bytes(b"changed")
    target.put("labels.csv", tmp_path / "changed")
    with pytest.raises(PermanentError, match=r"labels.csv at .* has other content, and is not overwritten"):
        publish(exported, target, say)
    assert b"changed" == target.read("labels.csv")


def test_a_bad_copy_is_found(exported: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that gives back other bytes than were written is reported, and has no manifest."""
    put = type(target).put

    def damaging(self: Any, name: str, source: Path) -> None:
        if name == "labels.csv":
            source = exported / "README.md"
        put(self, name, source)

    monkeypatch.setattr(type(target), "put", damaging)
    with pytest.raises(DependencyAwayError, match=r"labels.csv was read back with other content"):
        publish(exported, target, say)
    assert "manifest.json" not in target.names()


def test_a_faulty_export_is_not_published(exported: Path, target: Target, tmp_path: Path) -> None:
    """An export that fails verify reaches no target."""
    shutil.copytree(exported, tmp_path / "copy")
    (tmp_path / "copy" / "labels.csv").write_bytes(b"damaged")
    with pytest.raises(PermanentError, match=r"is not published.*labels.csv has other content"):
        publish(tmp_path / "copy", target, say)
    assert set() == target.names()


def test_two_versions_can_not_both_begin(
    exported: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another publication begins at the same moment, the later one is refused."""
    names = type(target).names

    def begun_meanwhile(self: Any) -> set[str]:
        found = names(self)
        target.put_new("export.json", b'{"name": "other", "version": 3, "images": "files"}')
        return found

    monkeypatch.setattr(type(target), "names", begun_meanwhile)
    with pytest.raises(PermanentError, match="contains other v3 as files"):
        publish(exported, target, say)


def test_a_missing_bucket_is_named(exported: Path, store: InMemoryObjectStore) -> None:
    """A bucket that does not exist is not created."""
    with pytest.raises(PermanentError, match="The bucket of s3://nowhere/sets does not exist"):
        publish(exported, S3Target(store, "nowhere", "sets"), say)
    assert "nowhere" not in store.buckets


def test_objects_beside_the_prefix_are_no_part_of_it(exported: Path, store: InMemoryObjectStore) -> None:
    """Another prefix that begins alike is another target."""
    store.put(Location(BUCKET, "sets/chest-v2/x.txt"), b"x", content_type="text/plain")
    publish(exported, S3Target(store, BUCKET, "sets/chest"), say)
    assert b"x" == store.read_now(Location(BUCKET, "sets/chest-v2/x.txt"))


KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "very secret"}


def test_a_target_is_opened_by_its_url() -> None:
    """A folder needs no keys; S3 takes keys, region and endpoint from the environment."""
    assert FolderTarget(Path("/mnt/share")) == open_target("/mnt/share", None, {})
    found = open_target("s3://bucket/a/b/", "http://localhost:9000", KEYS)
    assert isinstance(found, S3Target)
    assert ("bucket", "a/b", "s3://bucket/a/b") == (found.bucket, found.prefix, found.url)
    assert isinstance(found.store, MinioStore)
    amazon = open_target("s3://bucket/a", None, KEYS | {"AWS_REGION": "eu-central-1"})
    assert isinstance(amazon, S3Target)
    assert isinstance(amazon.store, MinioStore)
    url = amazon.store.client.get_presigned_url("GET", "bucket", "a/x")
    assert url.startswith("https://bucket.s3")
    assert "eu-central-1" in url


@pytest.mark.parametrize(
    ("to", "endpoint", "cause"),
    [
        ("s3://", None, "s3://bucket/prefix"),
        ("s3://Bucket/x", None, "s3://bucket/prefix"),
        ("s3://bucket/../x", None, "s3://bucket/prefix"),
        ("s3://bucket//x/y//z", None, "s3://bucket/prefix"),
        ("https://bucket/x", None, "a folder or s3://bucket/prefix"),
        ("s3://bucket/x", "localhost:9000", "https://host"),
        ("s3://bucket/x", "https://user:word@host", "https://host"),
        ("s3://bucket/x", "https://host/path", "https://host"),
    ],
)
def test_impossible_targets_are_refused(to: str, endpoint: str | None, cause: str) -> None:
    """The form that is needed is stated, and no secret is repeated."""
    with pytest.raises(PermanentError, match=cause) as caught:
        open_target(to, endpoint, KEYS)
    assert "word" not in str(caught.value)


def test_s3_needs_keys_of_its_own() -> None:
    """Without keys in the environment the missing ones are named."""
    with pytest.raises(SettingsError, match="Not set: AWS_SECRET_ACCESS_KEY"):
        open_target("s3://bucket/x", None, {"AWS_ACCESS_KEY_ID": "id", "DCM2SET_MINIO_SECRET_KEY": "home"})
