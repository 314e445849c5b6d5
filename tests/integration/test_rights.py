"""The user of each function in the object store has the rights of its card, and no others.

Every right is tried on a real MinIO, both granted and refused; the locations come from the cards.
"""

import io
import itertools
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial

import pytest
import urllib3
from minio import Minio, MinioAdmin
from minio.commonconfig import ENABLED, CopySource, Filter, Tags
from minio.credentials.providers import StaticProvider
from minio.deleteobjects import DeleteObject
from minio.error import MinioAdminException, S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from minio.notificationconfig import NotificationConfig
from minio.versioningconfig import VersioningConfig

from common.store.object_key import FIXED_BUCKETS
from infra.local.home import Home
from infra.provision.function_card import FunctionCard, function_cards
from tests.support.local_home import RunningHome

CARDS = function_cards()
IMAGE_BUCKET, FOREIGN, NEW_IMAGES = "images-20260101t000000", "foreign", "images-20260101t000001"
BUCKETS = (*FIXED_BUCKETS, IMAGE_BUCKET, FOREIGN)
FOLDERS = (
    "",
    "incoming/",
    "nas/",
    "processed/",
    "held/",
    "raw/incoming/",
    "images-1/",
    "metadata/incoming/",
    "annotations/",
)
RIGHTS = {
    "read",
    "write",
    "delete",
    "list",
    "find",
    "create_buckets",
    "temporary_tables",
    "announces",
    "calls",
}


def _locations() -> list[tuple[str, str]]:
    """Bucket and key of all objects that are tried: in every folder of every bucket, and named by cards."""
    named = {
        pattern.replace("images-*/", f"{IMAGE_BUCKET}/", 1).replace("*", "1/probe.png")
        for card in CARDS
        for right in ("read", "write", "delete")
        for pattern in card.access.get(right, ())
    }
    tried = {f"{bucket}/{folder}probe.png" for bucket in BUCKETS for folder in FOLDERS}
    return sorted((bucket, key) for bucket, _, key in (path.partition("/") for path in named | tried))


LOCATIONS = _locations()


@pytest.fixture(scope="module")
def quiet_home(start_home) -> RunningHome:
    """A home with an object at every location, whose buckets send no events."""
    home = start_home(DCM2SET_SWEEP_SECONDS="3600")
    for bucket in (IMAGE_BUCKET, FOREIGN):
        home.store.client.make_bucket(bucket)
    for bucket in BUCKETS:
        home.store.client.delete_bucket_notification(bucket)
    for bucket, key in LOCATIONS:
        home.put(key, b"probe", bucket=bucket)
    return home


@pytest.fixture
def keys(quiet_home: RunningHome, card: FunctionCard) -> tuple[str, str]:
    """Name and password of a function's user."""
    return f"dcm2set-{card.function}", Home(quiet_home.folder).secrets().minio_keys[card.function]


@pytest.fixture
def client(quiet_home: RunningHome, keys: tuple[str, str]) -> Minio:
    """A client with the keys of the function's user."""
    return Minio(quiet_home.endpoints["minio"]["endpoint"], *keys, secure=False, region="us-east-1")


def _grants(card: FunctionCard, right: str, path: str) -> bool:
    """Whether the card grants a right on "bucket/key"."""
    return any(fnmatchcase(path, pattern) for pattern in card.access.get(right, ()))


def _is_allowed(attempt: Callable[[], object]) -> bool:
    """Whether the store allows it; the only accepted refusal is AccessDenied."""
    try:
        found = attempt()
        if isinstance(found, Iterator):
            assert [] == [
                error for error in found if getattr(error, "code", "AccessDenied") != "AccessDenied"
            ]
    except S3Error as error:
        if error.code != "AccessDenied":
            raise
        return False
    return True


def test_cards_have_no_untested_right(card: FunctionCard) -> None:
    """A new kind of right in a card needs a test here."""
    assert set(card.access) <= RIGHTS | {"tables"}


@pytest.mark.parametrize("right", ["read", "write", "delete"])
def test_objects(quiet_home: RunningHome, card: FunctionCard, client: Minio, right: str) -> None:
    """Reading, writing and deleting is allowed where the card says so, and refused elsewhere."""
    attempts = {
        "read": lambda bucket, key: client.get_object(bucket, key).data,
        "write": lambda bucket, key: client.put_object(bucket, key, io.BytesIO(b"probe"), 5),
        "delete": client.remove_object,
    }
    allowed = {}
    for bucket, key in LOCATIONS:
        allowed[bucket, key] = _is_allowed(lambda at=(bucket, key): attempts[right](*at))
        if right == "delete" and allowed[bucket, key]:
            quiet_home.put(key, b"probe", bucket=bucket)
    assert {at: _grants(card, right, "/".join(at)) for at in LOCATIONS} == allowed
    assert any(allowed.values()) == bool(card.access.get(right))


def test_existence(card: FunctionCard, client: Minio) -> None:
    """Whether an object exists, by its tags, is told where the card says so, without the right to read it."""
    allowed = {at: _is_allowed(lambda at=at: client.get_object_tags(*at)) for at in LOCATIONS}
    assert {at: _grants(card, "find", "/".join(at)) for at in LOCATIONS} == allowed


def test_many_deleted_at_once(quiet_home: RunningHome, card: FunctionCard, client: Minio) -> None:
    """The request that deletes many objects deletes only those for which the card grants it."""
    for bucket in BUCKETS:
        named = [key for at, key in LOCATIONS if at == bucket]
        refused = {error.name for error in client.remove_objects(bucket, map(DeleteObject, named))}
        assert {key for key in named if not _grants(card, "delete", f"{bucket}/{key}")} == refused
        for key in set(named) - refused:
            quiet_home.put(key, b"probe", bucket=bucket)


def test_copies(quiet_home: RunningHome, card: FunctionCard, client: Minio) -> None:
    """A copy needs the right to read the source and the right to write the target."""
    copied = "probe/copied.png"
    for (bucket, key), target in itertools.product(LOCATIONS, BUCKETS):
        expected = _grants(card, "read", f"{bucket}/{key}") and _grants(card, "write", f"{target}/{copied}")
        source = CopySource(bucket, key)
        copy = partial(client.copy_object, target, copied, source)
        assert expected == _is_allowed(copy)
        if expected:
            quiet_home.store.client.remove_object(target, copied)


def test_listings(card: FunctionCard, client: Minio) -> None:
    """Keys are listed only below the prefixes of the card; in raw they may identify a patient."""
    for bucket, prefix in itertools.product(BUCKETS, FOLDERS):
        expected = _grants(card, "list", f"{bucket}/{prefix}")
        for versions in (False, True):
            listing = client.list_objects(bucket, prefix, recursive=True, include_version=versions)
            allowed = _is_allowed(lambda listing=listing: list(listing))
            assert expected == allowed, (bucket, prefix, versions)


def test_a_bucket_s_own_settings(card: FunctionCard, client: Minio) -> None:
    """No function reads or changes a bucket's settings; extract only sets the events of image buckets."""
    rule = Rule(ENABLED, rule_filter=Filter(prefix="x"), expiration=Expiration(days=1))
    attempts: dict[str, Callable[[str], object]] = {
        "delete": client.remove_bucket,
        "policy": client.get_bucket_policy,
        "set policy": lambda bucket: client.set_bucket_policy(
            bucket, '{"Version":"2012-10-17","Statement":[]}'
        ),
        "delete policy": client.delete_bucket_policy,
        "notification": client.get_bucket_notification,
        "set notification": lambda bucket: client.set_bucket_notification(bucket, NotificationConfig()),
        "versioning": client.get_bucket_versioning,
        "set versioning": lambda bucket: client.set_bucket_versioning(bucket, VersioningConfig(ENABLED)),
        "lifecycle": client.get_bucket_lifecycle,
        "set lifecycle": lambda bucket: client.set_bucket_lifecycle(bucket, LifecycleConfig([rule])),
        "encryption": client.get_bucket_encryption,
        "tags": client.get_bucket_tags,
        "set tags": lambda bucket: client.set_bucket_tags(bucket, Tags({"a": "b"})),
        "replication": client.get_bucket_replication,
        "exists": client.bucket_exists,
        "events": lambda bucket: next(client.listen_bucket_notification(bucket)),
    }
    for (name, attempt), bucket in itertools.product(attempts.items(), BUCKETS):
        creates = any(fnmatchcase(bucket, pattern) for pattern in card.access.get("create_buckets", ()))
        lists = name == "exists" and _grants(card, "list", f"{bucket}/")
        is_health_check = (name, bucket) == ("versioning", "raw")
        # Its own rules are set beside those of others, which must be read first.
        sets_rules = name in {"notification", "set notification"} and creates
        expected = sets_rules or lists or is_health_check
        assert expected == _is_allowed(lambda at=bucket, attempt=attempt: attempt(at)), (name, bucket)


@pytest.mark.parametrize("bucket", [NEW_IMAGES, "another", "raw2", "quarantine-images-1"])
def test_new_buckets(quiet_home: RunningHome, card: FunctionCard, client: Minio, bucket: str) -> None:
    """Only a function whose card says so creates buckets, with the names that the card allows."""
    expected = any(fnmatchcase(bucket, pattern) for pattern in card.access.get("create_buckets", ()))
    assert expected == _is_allowed(lambda: client.make_bucket(bucket))
    if expected:
        quiet_home.store.client.remove_bucket(bucket)


def test_the_server_s_own_settings(
    quiet_home: RunningHome, card: FunctionCard, keys: tuple[str, str]
) -> None:
    """No function reads or changes settings of the server, other users, or its own keys."""
    admin = MinioAdmin(
        endpoint=quiet_home.endpoints["minio"]["endpoint"],
        credentials=StaticProvider(*keys),
        secure=False,
        region="us-east-1",
    )
    name = keys[0]
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}],
    }
    for attempt in (
        admin.info,
        admin.user_list,
        admin.policy_list,
        admin.group_list,
        admin.get_data_usage_info,
        admin.service_restart,
        admin.service_stop,
        admin.add_service_account,
        lambda: admin.user_add(name, "another-password"),
        lambda: admin.user_add("someone", "another-password"),
        lambda: admin.user_info("dcm2set-extract"),
        lambda: admin.user_disable("dcm2set-sweep"),
        lambda: admin.user_remove("dcm2set-sweep"),
        lambda: admin.policy_add("mine", policy=everything),
        lambda: admin.policy_set("consoleAdmin", user=name),
        lambda: admin.policy_info("consoleAdmin"),
        lambda: admin.policy_remove("dcm2set-sweep"),
        lambda: admin.group_add("mine", name),
        lambda: admin.config_set("api", {"requests_max": "1"}),
        lambda: admin.list_service_account("dcm2set-operator"),
        lambda: admin.bucket_quota_set("raw", 1),
    ):
        with pytest.raises(MinioAdminException, match="AccessDenied"):
            attempt()


def test_temporary_keys_give_no_more_rights(
    quiet_home: RunningHome, card: FunctionCard, keys: tuple[str, str]
) -> None:
    """Temporary keys, which MinIO gives to every user, have the rights of that user and no others."""
    from minio.credentials import AssumeRoleProvider

    endpoint = quiet_home.endpoints["minio"]["endpoint"]
    everything = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}'
    )
    provider = AssumeRoleProvider(
        sts_endpoint=f"http://{endpoint}", access_key=keys[0], secret_key=keys[1], policy=everything
    )
    client = Minio(endpoint, credentials=provider, secure=False, region="us-east-1")
    allowed = {at: _is_allowed(lambda at=at: client.get_object(*at).data) for at in LOCATIONS}
    assert {at: _grants(card, "read", "/".join(at)) for at in LOCATIONS} == allowed


def test_nothing_is_allowed_without_keys(quiet_home: RunningHome) -> None:
    """Without keys nothing is read, written, deleted or listed, and no metrics are shown."""
    endpoint = quiet_home.endpoints["minio"]["endpoint"]
    anonymous = Minio(endpoint, secure=False, region="us-east-1")
    for bucket, key in LOCATIONS:
        assert not _is_allowed(lambda at=(bucket, key): anonymous.get_object(*at))
        assert not _is_allowed(lambda at=(bucket, key): anonymous.put_object(*at, io.BytesIO(b"x"), 1))
        assert not _is_allowed(lambda at=(bucket, key): anonymous.remove_object(*at))
        assert not _is_allowed(lambda at=bucket: list(anonymous.list_objects(at)))
    page = urllib3.request("GET", f"http://{endpoint}/minio/v2/metrics/cluster", retries=False, timeout=10)
    assert 403 == page.status
