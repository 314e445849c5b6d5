"""TLS on a real MinIO and a real function, with a certificate of a private CA."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3
from minio.error import MinioAdminException
from psycopg.conninfo import make_conninfo

from common.errors import DependencyAwayError
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.tls import tls_context
from common.tokens import Tokens
from functions.sweep.resend import HttpSender
from infra.local.stores.minio_server import MINIO
from infra.provision.function_card import function_cards
from infra.provision.roles import create_roles
from infra.provision.schema import migrate
from infra.provision.store.store_setup import create_buckets, create_users
from tests.fake_dsm.certificate import loopback_certificate
from tests.support.free_ports import free_port
from tests.support.local_home import wait_for

USER, PASSWORD, TOKEN = "operator", "operator-password", "token-of-functions-over-tls"
FUNCTION = "store_metadata"


@dataclass(frozen=True)
class TlsServers:
    """MinIO and a function that accept only TLS."""

    endpoint: str
    url: str
    ca: Path
    log: Path

    def store(self, ca_file: Path | None) -> MinioStore:
        """The store with a client that trusts this CA; None: the CAs of the system."""
        return MinioStore(
            endpoint=self.endpoint, access_key=USER, secret_key=PASSWORD, secure=True, ca_file=ca_file
        )


@contextmanager
def _process(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _certificates(folder: Path) -> tuple[Path, Path]:
    """The PEM file of a CA, and a folder of certificates for MinIO."""
    _, ca = loopback_certificate(folder)
    both, served = folder / "server.pem", folder / "certs"
    (served / "CAs").mkdir(parents=True)
    shutil.copy(ca, served / "CAs" / "ca.crt")
    shutil.copy(ca, served / "public.crt")
    (served / "private.key").write_bytes(both.read_bytes().removeprefix(ca.read_bytes()))
    return ca, served


@pytest.fixture
def servers(empty_database: str, tmp_path: Path) -> Iterator[TlsServers]:
    """MinIO and one function, each with TLS, and an own database."""
    migrate(empty_database)
    keys = {card.function: f"password-of-{card.function}" for card in function_cards()}
    roles = create_roles(empty_database, keys)
    database_url = make_conninfo(empty_database, user=roles[FUNCTION], password=keys[FUNCTION])
    ca, certificates = _certificates(tmp_path)
    servers = TlsServers(
        f"127.0.0.1:{free_port()}", f"https://127.0.0.1:{free_port()}/", ca, tmp_path / "function.log"
    )
    minio = [str(MINIO.binary(print)), "server", "--quiet", "--address", servers.endpoint]
    minio += ["--certs-dir", str(certificates), str(tmp_path / "data")]
    log = tmp_path / "minio.log"
    with (
        _process(minio, _minio_environment(servers, tmp_path), log),
        _process(
            _gunicorn(servers, tmp_path), _function_environment(servers, keys, database_url), servers.log
        ),
    ):
        assert wait_for(lambda: _is_set_up(servers, keys), seconds=90), log.read_text()
        create_buckets(servers.store(ca), images_prefix="images-")
        assert wait_for(lambda: _is_healthy(servers), seconds=90), servers.log.read_text()
        yield servers


def _minio_environment(servers: TlsServers, folder: Path) -> dict[str, str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "MINIO_ROOT_USER": USER,
        "MINIO_ROOT_PASSWORD": PASSWORD,
        "MINIO_BROWSER": "off",
        f"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_{FUNCTION.upper()}": TOKEN,
    }
    for card in function_cards():  # create_buckets needs a webhook for each function
        environment[f"MINIO_NOTIFY_WEBHOOK_ENABLE_{card.function.upper()}"] = "on"
        environment[f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{card.function.upper()}"] = servers.url
    return environment


def _function_environment(servers: TlsServers, keys: Mapping[str, str], database_url: str) -> dict[str, str]:
    return {
        "PATH": str(Path(sys.executable).parent),
        "DCM2SET_TOKEN": TOKEN,
        "DCM2SET_MINIO_ENDPOINT": servers.endpoint,
        "DCM2SET_MINIO_ACCESS_KEY": f"dcm2set-{FUNCTION}",
        "DCM2SET_MINIO_SECRET_KEY": keys[FUNCTION],
        "DCM2SET_MINIO_SECURE": "true",
        "DCM2SET_MINIO_CA_FILE": str(servers.ca),
        "DATABASE_URL": database_url,
    }


def _gunicorn(servers: TlsServers, folder: Path) -> list[str]:
    """The command of SECURITY.md."""
    source = next(card.source for card in function_cards() if card.function == FUNCTION)
    pem, address = str(folder / "server.pem"), servers.url.removeprefix("https://").rstrip("/")
    command = [sys.executable, "-m", "gunicorn", "--bind", address, "--certfile", pem, "--keyfile", pem]
    command += ["--threads", "2", "--log-level", "error"]
    return [*command, f"functions_framework:create_app(target='{FUNCTION}', source='{source}')"]


def _is_set_up(servers: TlsServers, keys: Mapping[str, str]) -> bool:
    try:
        create_users(
            endpoint=servers.endpoint,
            user=USER,
            password=PASSWORD,
            keys=dict(keys),
            images_prefix="images-",
            tls=tls_context(servers.ca, "minio_ca_file"),
        )
    except (MinioAdminException, urllib3.exceptions.HTTPError):
        return False
    return True


def _is_healthy(servers: TlsServers) -> bool:
    pool = urllib3.PoolManager(ssl_context=tls_context(servers.ca, "functions_ca_file"), retries=False)
    try:
        return bool(pool.request("GET", servers.url, timeout=10).json()["status"] == "ok")
    except urllib3.exceptions.HTTPError:
        return False


def test_the_pipeline_works_over_tls(servers: TlsServers) -> None:
    """MinIO sends an event over TLS, and the function uses the store over TLS."""
    store = servers.store(servers.ca)
    store.put(Location("metadata", "incoming/a.json"), b"no json", content_type="application/json")
    moved = wait_for(lambda: list(store.list_prefix("quarantine", "metadata/incoming/")), seconds=60)
    assert moved, servers.log.read_text()


def test_an_untrusted_certificate_ends_the_connection(servers: TlsServers) -> None:
    """Without the CA, no request is sent to the store or to a function, and so no token."""
    with pytest.raises(DependencyAwayError):
        servers.store(None).ping()
    trusted = HttpSender(
        {FUNCTION: servers.url},
        tokens=Tokens.of(TOKEN),
        timeout=30,
        tls=tls_context(servers.ca, "functions_ca_file"),
    )
    event = {"bucket": "metadata", "key": "incoming/nowhere.json"}
    assert "settled" == trusted.send(FUNCTION, event)
    without_ca = HttpSender(
        {FUNCTION: servers.url},
        tokens=Tokens.of(TOKEN),
        timeout=30,
        tls=tls_context(None, "functions_ca_file"),
    )
    assert "unreachable" == without_ca.send(FUNCTION, event)


def test_plain_http_is_refused(servers: TlsServers) -> None:
    """Plain HTTP gets no useful answer from MinIO or the function."""
    plain = MinioStore(endpoint=servers.endpoint, access_key=USER, secret_key=PASSWORD)
    with pytest.raises(DependencyAwayError):
        plain.ping()
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", servers.url.replace("https", "http"), retries=False, timeout=10)
