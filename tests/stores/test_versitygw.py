"""What VersityGW has and lacks, measured; docs/stores.md tells it."""

import io
import itertools
import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import pytest
from minio.error import S3Error

from common.errors import DependencyAwayError, ObjectMissingError, PermanentError, SettingsError
from common.store.minio_store import MinioStore
from common.store.object_key import FIXED_BUCKETS, Location
from common.store.object_store import Notification, ObjectVersion
from infra.labelling.minio_user import create_labelling_user, labelling_keys_file
from infra.local.home import Home
from infra.provision.function_card import FunctionCard, function_cards
from infra.provision.store.store_copies import bucket_copies
from tests.conftest import StartHome
from tests.support.local_home import RunningHome
from tests.support.own_bucket import remove_bucket
from tests.support.own_versitygw import own_versitygw
from tests.support.real_files import make_instance, real_file

FOLDERS = ("", "incoming/", "nas/", "processed/", "held/", "raw/incoming/", "annotations/")
IMAGES = "images-20260101t000000"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioStore]:
    """A VersityGW without users."""
    with own_versitygw(tmp_path_factory.mktemp("versitygw")) as store:
        yield store


def _put(store: MinioStore, key: str, data: bytes = b"content") -> ObjectVersion:
    return store.put(Location("raw", key), data, content_type="text/plain")


def test_empty_parts_of_a_key_are_left_out(store: MinioStore) -> None:
    """`a//b` is the object `a/b`, as in a file system; listings give the short key only."""
    _put(store, "parts//b", b"first")
    assert ["parts/b"] == [found.version.location.key for found in store.list_prefix("raw", "parts")]
    _put(store, "parts/b", b"second")
    assert b"second" == store.read_now(Location("raw", "parts//b"))


def test_no_object_has_the_name_of_a_folder(store: MinioStore) -> None:
    """A key below an object, or of a folder, is refused for good."""
    _put(store, "file")
    _put(store, "folder/x")
    for key in ("file/x", "folder"):
        with pytest.raises(PermanentError):
            _put(store, key)


def test_rules_are_not_offered(store: MinioStore) -> None:
    """A store that can't notify says which setting to change; what keeps copies is told as absent."""
    on = MinioStore(**_keys_of(store))
    with pytest.raises(SettingsError, match="set DCM2SET_STORE_NOTIFICATIONS=false"):
        on.ensure_bucket("raw", [Notification("extract")])
    store.ensure_bucket("raw", [Notification("extract")])
    copies = bucket_copies(store, "raw")
    assert not any([copies.is_versioned, copies.is_locked, copies.is_replicated, copies.is_moved])


def test_conditions_hold_between_writers(store: MinioStore) -> None:
    """Of eight writers of one new key, one succeeds; a DELETE with another etag deletes nothing."""
    with ThreadPoolExecutor(8) as threads:
        for number in range(30):
            put = partial(store.put_new, Location("raw", f"race {number}"), content_type="text/plain")
            results = list(threads.map(put, [bytes([writer]) * 1000 for writer in range(8)]))
            assert 7 == results.count(None)
    version = _put(store, "conditional")
    store.delete(ObjectVersion(version.location, "0" * 32, 7))
    with pytest.raises(S3Error, match="PreconditionFailed"):
        store.client.remove_if_match(version.location, "0" * 32)
    assert version == store.stat(version.location)
    store.delete(version)
    with pytest.raises(ObjectMissingError):
        store.stat(version.location)


def _keys_of(store: MinioStore) -> dict[str, str]:
    provider = store.client._provider  # noqa: SLF001
    keys = provider.retrieve()
    endpoint = store.client._base_url.host  # noqa: SLF001
    return {"endpoint": endpoint, "access_key": keys.access_key, "secret_key": keys.secret_key}


def _is_allowed(attempt: Callable[[], object]) -> bool:
    """Whether the store allows it, also if there is no such object."""
    try:
        attempt()
    except S3Error as error:
        if error.code not in {"AccessDenied", "NoSuchKey"}:
            raise
        return error.code == "NoSuchKey"
    return True


@pytest.fixture(scope="module")
def probed_home(versitygw_home: RunningHome) -> Iterator[RunningHome]:
    """The home, with an image bucket and one that is no function's."""
    for bucket in (IMAGES, "foreign"):
        versitygw_home.store.ensure_bucket(bucket)
    yield versitygw_home
    for bucket in (IMAGES, "foreign"):
        remove_bucket(versitygw_home.store, bucket)


@pytest.mark.parametrize("card", function_cards(), ids=lambda card: card.function)
def test_a_user_has_the_rights_of_its_card(probed_home: RunningHome, card: FunctionCard) -> None:
    """Reading, writing, deleting and listing is allowed where the card says so, and refused elsewhere."""
    client = probed_home.store_of(card.function).client
    places = [
        (bucket, f"{folder}probe")
        for bucket, folder in itertools.product((*FIXED_BUCKETS, IMAGES, "foreign"), FOLDERS)
        if bucket != "annotations" and folder != "incoming/"  # sweep finds what is put there
    ]
    attempts: dict[str, Callable[[str, str], object]] = {
        "write": lambda bucket, key: client.put_object(bucket, key, io.BytesIO(b""), 0),
        "read": lambda bucket, key: client.get_object(bucket, key).release_conn(),
        "delete": client.remove_object,
        "list": lambda bucket, key: list(client.list_objects(bucket, prefix=key)),
    }
    for right, attempt in attempts.items():
        granted = card.access.get(right, ())
        expected = {place for place in places if any(fnmatchcase("/".join(place), one) for one in granted)}
        assert expected == {place for place in places if _is_allowed(partial(attempt, *place))}, right
    for place in places:
        probed_home.store.client.remove_object(*place)


def test_a_home_keeps_its_store_its_users_and_its_objects(start_home: StartHome, tmp_path: Path) -> None:
    """Started again, a home has the same keys and objects; another store in the settings is refused."""
    folder = tmp_path / "home"
    home = start_home(folder=folder, DCM2SET_LOCAL_STORE="versitygw")
    keys = home.function_environment("extract")["DCM2SET_MINIO_SECRET_KEY"]
    home.put("incoming/first.dcm", real_file())
    assert "extracted" == home.settled("extract", "incoming/first.dcm")["outcome"]
    home.end()
    home = start_home(folder=folder)
    assert ("versitygw", None) == (home.endpoints["store"], home.settings.get("DCM2SET_LOCAL_STORE"))
    assert keys == home.function_environment("extract")["DCM2SET_MINIO_SECRET_KEY"]
    assert [] != list(home.store.list_prefix("raw", "processed/first.dcm"))
    home.end()
    with pytest.raises(AssertionError, match=r"The objects of the home .* are in VersityGW"):
        start_home(folder=folder, DCM2SET_LOCAL_STORE="minio")


def kill_one_process(home: RunningHome, *, is_iam: bool) -> None:
    """Kill the store, or the service that knows its users; supervisord starts it again."""
    (process,) = [found for found in home.processes("versitygw") if ("iam" in found.cmdline()) == is_iam]
    process.send_signal(signal.SIGKILL)


def test_nothing_is_lost_when_the_store_is_killed(versitygw_home: RunningHome) -> None:
    """While files flow, both processes of the store are killed; every file is extracted, once."""
    home = versitygw_home
    keys = [f"incoming/kill {number}.dcm" for number in range(60)]
    for number, key in enumerate(keys):
        if number in {20, 40}:
            kill_one_process(home, is_iam=number == 40)
        home.put(key, make_instance(5000 + number))  # no instance of another test
    for key in keys:
        assert "extracted" == home.settled("extract", key, seconds=120)["outcome"]
    balance = home.wait_until_idle()["balance"]
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])
    assert [] == list(home.store.list_prefix("raw", "incoming/kill"))


def test_label_studio_gets_a_user(versitygw_home: RunningHome) -> None:
    """The user for Label Studio reads tasks and writes labels, and keeps its keys; it has no other right."""
    home = versitygw_home
    for _ in range(2):
        create_labelling_user(Home(home.folder), home.endpoints)
        keys = json.loads(labelling_keys_file(Home(home.folder)).read_text())
    user = MinioStore(endpoint=home.endpoints["minio"]["endpoint"], **keys)
    home.store.put(Location("labelling", "task"), b"task", content_type="text/plain")
    assert b"task" == user.read_now(Location("labelling", "task"))
    with pytest.raises(DependencyAwayError, match="AccessDenied"):
        user.read_now(Location("raw", "nas/a"))
