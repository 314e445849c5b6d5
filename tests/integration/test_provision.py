"""`dcm2set provision` on a real Postgres and MinIO that it did not start."""

import json
import os
import re
import secrets
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from minio import MinioAdmin
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from common.errors import DependencyAwayError, ObjectMissingError, SettingsError
from common.settings import load_settings
from common.store.minio_store import MinioStore
from common.store.object_key import FIXED_BUCKETS, Location
from infra.local.schema_dump import schema_dump
from infra.provision.existing.provision import provision
from infra.provision.function_card import function_cards
from infra.provision.store.minio_users import minio_admin
from infra.provision.store.webhooks import webhook_targets
from tests.support.free_ports import free_port
from tests.support.local_home import RunningHome
from tests.support.own_database import create_database, drop_database
from tests.support.own_minio import own_minio
from tests.support.repository import ROOT

FUNCTIONS = [card.function for card in function_cards()]
URLS = dict.fromkeys(FUNCTIONS, "http://127.0.0.1:9/")
SECRET_FILES = ("DCM2SET_MINIO_SECRET_KEY", "DCM2SET_DATABASE_PASSWORD")


@dataclass
class Servers:
    """A database and an object store that were set up by nobody, and the secrets for them."""

    database: str
    store: MinioStore
    operator: Mapping[str, str]  # endpoint, access_key, secret_key
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *options: str, **other: str) -> "subprocess.Popen[str]":
        """Start the command, with nothing in its environment but paths and names."""
        return subprocess.Popen(
            [sys.executable, "-m", "infra.cli", "provision", *options],
            env=self.environment | other,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, **other: str) -> tuple[int, str]:
        """Run the command; its exit code and all that it printed."""
        process = self.start(*options, **other)
        output = "".join(process.communicate(timeout=90))
        return process.returncode, output

    def password(self, function: str, name: str) -> str:
        return (self.folder / "functions" / function / name).read_text().strip()

    def admin(self) -> MinioAdmin:
        return minio_admin(**self.operator)


@pytest.fixture(scope="module")
def servers(home: RunningHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers on which two processes have run the command at the same time."""
    folder = tmp_path_factory.mktemp("provision")
    operator = home.endpoints["database_url"]
    url = create_database(operator)
    with own_minio(folder, environment=webhook_targets(URLS)) as (store, _):
        keys = store.client._provider.retrieve()  # noqa: SLF001
        given = {"endpoint": store.client._base_url.host, "access_key": keys.access_key}  # noqa: SLF001
        servers = Servers(url, store, given | {"secret_key": keys.secret_key}, folder)
        servers.environment = _environment(servers)
        both = [servers.start(), servers.start()]
        outputs = ["".join(process.communicate(timeout=90)) for process in both]
        assert [0, 0] == [process.returncode for process in both], outputs
        yield servers
    drop_database(operator, url)


def _environment(servers: Servers) -> dict[str, str]:
    """The environment of the command; every secret is a file."""
    own = servers.folder / "operator"
    password = conninfo_to_dict(servers.database)["password"]
    _write(own, "DCM2SET_DATABASE_PASSWORD", password)
    _write(own, "DCM2SET_MINIO_SECRET_KEY", servers.operator["secret_key"])
    _write(own, "DCM2SET_PSEUDONYM_KEY", secrets.token_hex(32))
    for function in FUNCTIONS:
        for name in SECRET_FILES:
            _write(servers.folder / "functions" / function, name, secrets.token_urlsafe(24) + "\n")
    parts = {**conninfo_to_dict(servers.database), "password": None}
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": make_conninfo("", **parts),
        "DCM2SET_MINIO_ENDPOINT": servers.operator["endpoint"],
        "DCM2SET_MINIO_ACCESS_KEY": servers.operator["access_key"],
        "DCM2SET_SECRETS_DIR": str(own),
        "DCM2SET_FUNCTION_SECRETS": str(servers.folder / "functions"),
    }


def _write(folder: Path, name: str, text: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


_DATABASE_STATE = {
    "roles": "select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolconfig "
    "from pg_roles where starts_with(rolname, %s) order by 1",
    "rights": "select c.relname, c.relacl::text, c.relrowsecurity, array(select attname || attacl::text "
    "from pg_attribute where attrelid = c.oid and attacl is not null order by 1) "
    "from pg_class c join pg_namespace n on n.oid = relnamespace "
    "where nspname = 'public' and %s <> '' order by 1",
    "row policies": "select policyname, cmd, qual, with_check from pg_policies where %s <> '' order by 1",
    "database": "select datacl::text from pg_database where datname = %s",
    "spaces": "select number, name, key_check, started_by from pseudonym_space where %s <> ''",
}


def _state(servers: Servers) -> dict[str, Any]:
    """All that the command sets up, as far as it can be read back."""
    client, admin = servers.store.client, servers.admin()
    buckets = [bucket.name for bucket in client.list_buckets()]
    with psycopg.connect(servers.database) as connection:
        database = connection.info.dbname
        rows = {
            name: connection.execute(query, [database]).fetchall() for name, query in _DATABASE_STATE.items()
        }
    return rows | {
        "schema": schema_dump(servers.database),
        "buckets": buckets,
        "rules": {name: _rules(servers.store, name) for name in buckets},
        # MinIO notes when a user was last written, and gives the actions of a policy in any order.
        "users": re.sub(r'"\w+":"20\d\d-\d\d-\d\dT[^"]+"', "", admin.user_list()),
        "policies": {
            name: sorted(re.findall('"[^"]+"', admin.policy_info(f"dcm2set-{name}"))) for name in FUNCTIONS
        },
    }


def _rules(store: MinioStore, bucket: str) -> list[tuple[str | None, ...]]:
    found = store.client.get_bucket_notification(bucket).queue_config_list
    return sorted((rule.config_id, rule.queue) for rule in found)


def test_a_second_run_changes_nothing(servers: Servers) -> None:
    """After a second run everything is as it was, and the command says that no migration was due."""
    before = _state(servers)
    assert set(FIXED_BUCKETS) <= set(before["buckets"])
    assert len(FUNCTIONS) == len(before["roles"])
    assert before["rules"]["raw"]
    code, output = servers.run()
    assert 0 == code, output
    assert "no migration was due" in output
    assert before == _state(servers)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_signs_in_with_its_own_secrets(servers: Servers, function: str) -> None:
    """The passwords in a function's folder open the database and the store, with the function's rights."""
    url = make_conninfo(
        servers.database,
        user=f"{conninfo_to_dict(servers.database)['dbname']}_{function}",
        password=servers.password(function, "DCM2SET_DATABASE_PASSWORD"),
    )
    with psycopg.connect(url) as connection:
        own = connection.execute("select has_table_privilege('erased_patient', 'delete')").fetchone()
        assert (False,) == own
    store = MinioStore(
        endpoint=servers.operator["endpoint"],
        access_key=f"dcm2set-{function}",
        secret_key=servers.password(function, "DCM2SET_MINIO_SECRET_KEY"),
    )
    store.ping()
    reads = {"extract": "raw/nas/x", "quality": "suboptimal/x.png", "store_metadata": "metadata/x.json"}
    for name, location in reads.items():
        bucket, _, key = location.partition("/")
        may = function in {name, "review"} or (function, name) == ("poll_nas", "extract")
        with pytest.raises(ObjectMissingError if may else DependencyAwayError):
            store.read_now(Location(bucket, key))


def test_a_changed_password_is_taken_over(servers: Servers) -> None:
    """A new password in a function's folder replaces the old one at the next run."""
    file = servers.folder / "functions" / "quality" / "DCM2SET_MINIO_SECRET_KEY"
    former = file.read_text()
    file.write_text(secrets.token_urlsafe(24))
    assert 0 == servers.run()[0]
    endpoint, user = servers.operator["endpoint"], "dcm2set-quality"
    MinioStore(endpoint=endpoint, access_key=user, secret_key=file.read_text()).ping()
    with pytest.raises(DependencyAwayError, match="SignatureDoesNotMatch"):
        MinioStore(endpoint=endpoint, access_key=user, secret_key=former.strip()).ping()


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DCM2SET_FUNCTION_SECRETS": "/nowhere"}, "DCM2SET_FUNCTION_SECRETS has no folder annotations"),
        ({"DCM2SET_MINIO_SECRET_KEY": "Marker-of-a-secret"}, "DCM2SET_MINIO_SECRET_KEY"),
        ({"DCM2SET_PSEUDONYM_KEY": "ab" * 32}, "DCM2SET_PSEUDONYM_KEY"),
        ({"DCM2SET_DATABASE_PASSWORD": "Marker-of-a-secret"}, "authentication failed"),
        ({"DCM2SET_MINIO_ENDPOINT": "store.hospital.example:9000"}, "DCM2SET_MINIO_SECURE"),
    ],
)
def test_what_can_not_succeed_is_told_at_once(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    """A wrong secret or a missing folder ends the command with one sentence, which is without the secret."""
    for name, value in (servers.environment | variables).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        provision(load_settings(), print, wait_seconds=30)
    assert told in str(caught.value)
    assert "Marker" not in str(caught.value)


def test_a_server_that_does_not_answer_is_waited_for(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time to wait, the command says which server did not answer."""
    nowhere = f"127.0.0.1:{free_port()}"
    for name, value in (servers.environment | {"DCM2SET_MINIO_ENDPOINT": nowhere}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DependencyAwayError, match="DCM2SET_MINIO_ENDPOINT"):
        provision(load_settings(), print, wait_seconds=0.1)


def test_the_variables_of_the_webhooks_are_written_for_minio(servers: Servers) -> None:
    """The file has the target and the token of each function that takes events; only its owner reads it."""
    file, token = servers.folder / "store.env", "a-token-of-the-functions"
    code, output = servers.run(
        "--store-environment", str(file), DCM2SET_TOKEN=token, DCM2SET_FUNCTION_URLS=json.dumps(URLS)
    )
    assert (0, 0o600) == (code, stat.S_IMODE(file.stat().st_mode)), output
    lines = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert webhook_targets(URLS).items() < lines.items()
    assert token == lines["MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_EXTRACT"]
