"""TLS on a real MinIO and a real function, with a certificate of a CA of our own."""

import os
import shutil
import socket
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
from common.http.tls import tls_context
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.tokens import Tokens
from functions.sweep.resend import HttpSender
from infra.local.minio_binary import minio_binary
from infra.provision.function_card import function_cards
from infra.provision.schema import create_roles, migrate
from infra.provision.store_setup import create_buckets, create_users
from tests.fake_dsm.certificate import self_signed
from tests.integration.test_schema import database as database  # noqa: PLC0414 a fixture
from tests.support.local_home import wait_for

USER, PASSWORD, TOKEN = "operator", "operator-password", "token-of-functions-over-tls"
FUNCTION = "store_metadata"


@dataclass(frozen=True)
class TlsLine:
    """A store and a function that both speak TLS alone."""

    endpoint: str
    url: str
    ca: Path
    log: Path

    def store(self, ca_file: Path | None) -> MinioStore:
        """The store, as a client that trusts that CA."""
        return MinioStore(
            endpoint=self.endpoint, access_key=USER, secret_key=PASSWORD, secure=True, ca_file=ca_file
        )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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
    """A CA's PEM file, and a folder of certificates as MinIO wants it."""
    _, ca = self_signed(folder)
    both, served = folder / "server.pem", folder / "certs"
    (served / "CAs").mkdir(parents=True)
    shutil.copy(ca, served / "CAs" / "ca.crt")
    shutil.copy(ca, served / "public.crt")
    (served / "private.key").write_bytes(both.read_bytes().removeprefix(ca.read_bytes()))
    return ca, served


@pytest.fixture
def line(database: str, tmp_path: Path) -> Iterator[TlsLine]:
    """MinIO and one function, each over TLS, with a database of their own."""
    migrate(database)
    keys = {card.function: f"password-of-{card.function}" for card in function_cards()}
    roles = create_roles(database, keys)
    ca, served = _certificates(tmp_path)
    line = TlsLine(
        f"127.0.0.1:{_free_port()}", f"https://127.0.0.1:{_free_port()}/", ca, tmp_path / "function.log"
    )
    minio = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MINIO_ROOT_USER": USER,
        "MINIO_ROOT_PASSWORD": PASSWORD,
        "MINIO_BROWSER": "off",
        f"MINIO_NOTIFY_WEBHOOK_ENABLE_{FUNCTION.upper()}": "on",
        f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{FUNCTION.upper()}": line.url,
        f"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_{FUNCTION.upper()}": TOKEN,
    }
    for card in function_cards():  # the notifications of the others need a target of their name too
        minio.setdefault(f"MINIO_NOTIFY_WEBHOOK_ENABLE_{card.function.upper()}", "on")
        minio.setdefault(f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{card.function.upper()}", line.url)
    function = {
        "PATH": str(Path(sys.executable).parent),
        "DCM2SET_TOKEN": TOKEN,
        "DCM2SET_MINIO_ENDPOINT": line.endpoint,
        "DCM2SET_MINIO_ACCESS_KEY": f"dcm2set-{FUNCTION}",
        "DCM2SET_MINIO_SECRET_KEY": keys[FUNCTION],
        "DCM2SET_MINIO_SECURE": "true",
        "DCM2SET_MINIO_CA_FILE": str(ca),
        "DATABASE_URL": make_conninfo(database, user=roles[FUNCTION], password=keys[FUNCTION]),
    }
    source = next(card.source for card in function_cards() if card.function == FUNCTION)
    # As SECURITY.md says.
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", line.url.removeprefix("https://").rstrip("/")]
    pem = str(tmp_path / "server.pem")
    gunicorn += ["--certfile", pem, "--keyfile", pem, "--threads", "2", "--log-level", "error"]
    gunicorn += [f"functions_framework:create_app(target='{FUNCTION}', source='{source}')"]
    binary = str(minio_binary(print))
    command = [
        binary,
        "server",
        "--quiet",
        "--address",
        line.endpoint,
        "--certs-dir",
        str(served),
        str(tmp_path / "data"),
    ]
    with (
        _process(command, minio, tmp_path / "minio.log"),
        _process(gunicorn, function, line.log),
    ):
        assert wait_for(lambda: _is_set_up(line, keys), seconds=90), (tmp_path / "minio.log").read_text()
        create_buckets(line.store(ca), images_prefix="images-")
        assert wait_for(lambda: _is_healthy(line), seconds=90), line.log.read_text()
        yield line


def _is_set_up(line: TlsLine, keys: Mapping[str, str]) -> bool:
    try:
        create_users(
            endpoint=line.endpoint,
            user=USER,
            password=PASSWORD,
            keys=dict(keys),
            images_prefix="images-",
            tls=tls_context(line.ca, "minio_ca_file"),
        )
    except (MinioAdminException, urllib3.exceptions.HTTPError):
        return False
    return True


def _is_healthy(line: TlsLine) -> bool:
    pool = urllib3.PoolManager(ssl_context=tls_context(line.ca, "functions_ca_file"), retries=False)
    try:
        return bool(pool.request("GET", line.url, timeout=10).json()["status"] == "ok")
    except urllib3.exceptions.HTTPError:
        return False


def test_a_line_over_tls_alone(line: TlsLine) -> None:
    """An event comes from MinIO over TLS, and the function works on the store over TLS."""
    store = line.store(line.ca)
    store.put(Location("metadata", "incoming/a.json"), b"no json", content_type="application/json")
    moved = wait_for(lambda: list(store.list_prefix("quarantine", "metadata/incoming/")), seconds=60)
    assert moved, line.log.read_text()


def test_a_certificate_that_is_not_trusted_ends_the_talk(line: TlsLine) -> None:
    """Without the CA neither the store nor a function is spoken to, and no token is sent."""
    with pytest.raises(DependencyAwayError):
        line.store(None).ping()
    trusted = HttpSender(
        {FUNCTION: line.url},
        tokens=Tokens.of(TOKEN),
        timeout=30,
        tls=tls_context(line.ca, "functions_ca_file"),
    )
    event = {"bucket": "metadata", "key": "incoming/nowhere.json"}
    assert "settled" == trusted.send(FUNCTION, event)
    stranger = HttpSender(
        {FUNCTION: line.url}, tokens=Tokens.of(TOKEN), timeout=30, tls=tls_context(None, "functions_ca_file")
    )
    assert "unreachable" == stranger.send(FUNCTION, event)


def test_what_speaks_tls_takes_no_plain_text(line: TlsLine) -> None:
    """Plain HTTP to either is answered with an error at most."""
    plain = MinioStore(endpoint=line.endpoint, access_key=USER, secret_key=PASSWORD)
    with pytest.raises(DependencyAwayError):
        plain.ping()
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", line.url.replace("https", "http"), retries=False, timeout=10)
