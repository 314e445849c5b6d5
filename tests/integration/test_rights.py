"""What each function's user of the object store may do: what its card says, and nothing else.

Every right is tried on a real MinIO, in both directions; places and functions are read from the cards.
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
RIGHTS = {"read", "write", "delete", "list", "create_buckets", "temporary_tables", "announces", "calls"}


def _places() -> list[tuple[str, str]]:
    """Bucket and key of everything that is tried: every folder of every bucket, and what cards name."""
    named = {
        place.replace("images-*/", f"{IMAGE_BUCKET}/", 1).replace("*", "1/probe.png")
        for card in CARDS
        for right in ("read", "write", "delete")
        for place in card.access.get(right, ())
    }
    tried = {f"{bucket}/{folder}probe.png" for bucket in BUCKETS for folder in FOLDERS}
    return sorted((bucket, key) for bucket, _, key in (place.partition("/") for place in named | tried))


PLACES = _places()


@pytest.fixture(scope="module")
def quiet_home(start_home) -> RunningHome:
    """A home with an object at every place, whose buckets tell nobody."""
    home = start_home(DCM2SET_SWEEP_SECONDS="3600")
    for bucket in (IMAGE_BUCKET, FOREIGN):
        home.store.client.make_bucket(bucket)
    for bucket in BUCKETS:
        home.store.client.delete_bucket_notification(bucket)
    for bucket, key in PLACES:
        home.put(key, b"probe", bucket=bucket)
    return home


@pytest.fixture(params=CARDS, ids=lambda card: card.function)
def card(request: pytest.FixtureRequest) -> FunctionCard:
    """Each function in turn."""
    return request.param


@pytest.fixture
def keys(quiet_home: RunningHome, card: FunctionCard) -> tuple[str, str]:
    """Name and password of a function's user."""
    return f"dcm2set-{card.function}", Home(quiet_home.folder).secrets().minio_keys[card.function]


@pytest.fixture
def client(quiet_home: RunningHome, keys: tuple[str, str]) -> Minio:
    """The store as the function's user meets it."""
    return Minio(quiet_home.endpoints["minio"]["endpoint"], *keys, secure=False, region="us-east-1")


def _names(card: FunctionCard, right: str, place: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in card.access.get(right, ()))


def _is_allowed(attempt: Callable[[], object]) -> bool:
    """Whether the store let it happen; a refusal is AccessDenied and nothing else."""
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


def test_cards_name_no_right_that_is_not_tried(card: FunctionCard) -> None:
    """A new kind of right in a card has to be tried here."""
    assert set(card.access) <= RIGHTS | {"tables"}


@pytest.mark.parametrize("right", ["read", "write", "delete"])
def test_objects(quiet_home: RunningHome, card: FunctionCard, client: Minio, right: str) -> None:
    """Reading, writing and deleting is let happen where the card names the place, and refused elsewhere."""
    attempts = {
        "read": lambda bucket, key: client.get_object(bucket, key).data,
        "write": lambda bucket, key: client.put_object(bucket, key, io.BytesIO(b"probe"), 5),
        "delete": client.remove_object,
    }
    told = {}
    for bucket, key in PLACES:
        told[bucket, key] = _is_allowed(lambda at=(bucket, key): attempts[right](*at))
        if right == "delete" and told[bucket, key]:
            quiet_home.put(key, b"probe", bucket=bucket)
    assert {place: _names(card, right, "/".join(place)) for place in PLACES} == told
    assert any(told.values()) == bool(card.access.get(right))


def test_many_deleted_at_once(quiet_home: RunningHome, card: FunctionCard, client: Minio) -> None:
    """The request that deletes many objects deletes only those that the card names."""
    for bucket in BUCKETS:
        named = [key for at, key in PLACES if at == bucket]
        refused = {error.name for error in client.remove_objects(bucket, map(DeleteObject, named))}
        assert {key for key in named if not _names(card, "delete", f"{bucket}/{key}")} == refused
        for key in set(named) - refused:
            quiet_home.put(key, b"probe", bucket=bucket)


def test_copies(quiet_home: RunningHome, card: FunctionCard, client: Minio) -> None:
    """A copy needs the right to read its source and to write its target."""
    to = "probe/copied.png"
    for (bucket, key), target in itertools.product(PLACES, BUCKETS):
        expected = _names(card, "read", f"{bucket}/{key}") and _names(card, "write", f"{target}/{to}")
        source = CopySource(bucket, key)
        copy = partial(client.copy_object, target, to, source)
        assert expected == _is_allowed(copy)
        if expected:
            quiet_home.store.client.remove_object(target, to)


def test_listings(card: FunctionCard, client: Minio) -> None:
    """Keys are told below the prefixes that the card names; in raw and quarantine they may tell a patient."""
    for bucket, prefix in itertools.product(BUCKETS, FOLDERS):
        expected = _names(card, "list", f"{bucket}/{prefix}")
        for versions in (False, True):
            listing = client.list_objects(bucket, prefix, recursive=True, include_version=versions)
            told = _is_allowed(lambda listing=listing: list(listing))
            assert expected == told, (bucket, prefix, versions)


def test_a_bucket_s_own_settings(card: FunctionCard, client: Minio) -> None:
    """No function changes, looks into or removes a bucket; extract makes image buckets and their events."""
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
        lists = name == "exists" and _names(card, "list", f"{bucket}/")
        asked_for_health = (name, bucket) == ("versioning", "raw")
        expected = (name == "set notification" and creates) or lists or asked_for_health
        assert expected == _is_allowed(lambda at=bucket, attempt=attempt: attempt(at)), (name, bucket)


@pytest.mark.parametrize("bucket", [NEW_IMAGES, "another", "raw2", "quarantine-images-1"])
def test_new_buckets(quiet_home: RunningHome, card: FunctionCard, client: Minio, bucket: str) -> None:
    """Buckets are made by whose card says so, under the names that it says."""
    expected = any(fnmatchcase(bucket, pattern) for pattern in card.access.get("create_buckets", ()))
    assert expected == _is_allowed(lambda: client.make_bucket(bucket))
    if expected:
        quiet_home.store.client.remove_bucket(bucket)


def test_the_server_s_own_settings(
    quiet_home: RunningHome, card: FunctionCard, keys: tuple[str, str]
) -> None:
    """No function looks into or changes the server, other users, or its own keys."""
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


def test_keys_for_a_time_give_no_more(
    quiet_home: RunningHome, card: FunctionCard, keys: tuple[str, str]
) -> None:
    """Temporary keys, which MinIO gives any user, have that user's rights and no other."""
    from minio.credentials import AssumeRoleProvider

    endpoint = quiet_home.endpoints["minio"]["endpoint"]
    everything = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}'
    )
    provider = AssumeRoleProvider(
        sts_endpoint=f"http://{endpoint}", access_key=keys[0], secret_key=keys[1], policy=everything
    )
    client = Minio(endpoint, credentials=provider, secure=False, region="us-east-1")
    told = {place: _is_allowed(lambda at=place: client.get_object(*at).data) for place in PLACES}
    assert {place: _names(card, "read", "/".join(place)) for place in PLACES} == told


def test_nobody_comes_in_without_keys(quiet_home: RunningHome) -> None:
    """Without keys nothing is read, written or listed, nor with another function's name alone."""
    endpoint = quiet_home.endpoints["minio"]["endpoint"]
    nobody = Minio(endpoint, secure=False, region="us-east-1")
    for bucket, key in PLACES:
        assert not _is_allowed(lambda at=(bucket, key): nobody.get_object(*at))
        assert not _is_allowed(lambda at=(bucket, key): nobody.put_object(*at, io.BytesIO(b"x"), 1))
        assert not _is_allowed(lambda at=(bucket, key): nobody.remove_object(*at))
        assert not _is_allowed(lambda at=bucket: list(nobody.list_objects(at)))
    page = urllib3.request("GET", f"http://{endpoint}/minio/v2/metrics/cluster", retries=False, timeout=10)
    assert 403 == page.status
