"""The page as a real server answers it, and what its role can do in a real database."""

import io
import secrets
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
import urllib3
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege

from common.database import Database
from infra.local.home import Home
from oversight.accounts.users import invite
from tests.support.local_home import RunningHome


@pytest.fixture
def url(home: RunningHome) -> str:
    """The address of the page."""
    return str(home.endpoints["functions"]["review"]).rstrip("/")


@pytest.fixture
def review(home: RunningHome) -> Iterator[psycopg.Connection]:
    """A session of review's role; what it changes is undone."""
    operator = home.endpoints["database_url"]
    user = f"{conninfo_to_dict(operator)['dbname']}_review"
    password = Home(home.folder).secrets().postgres_keys["review"]
    url = make_conninfo(operator, user=user, password=password)
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def item(home: RunningHome) -> Iterator[int]:
    """An item of extract that is being worked on, of an object that does not exist."""
    key = f"incoming/{secrets.token_hex(8)}.dcm"
    with psycopg.connect(home.endpoints["database_url"], autocommit=True) as operator:
        row = operator.execute(
            "insert into ledger_item (function, bucket, key, etag, state, attempts, due_at) "
            "values ('extract', 'raw', %s, 'e', 'running', 1, now() + interval '1 hour') returning id",
            [key],
        ).fetchone()
        assert row is not None
        yield row[0]
        operator.execute("delete from ledger_item where id = %s", [row[0]])


def _raw(url: str, head: str) -> bytes:
    """The answer to a request that no client would write."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(head.encode("latin-1"))
        return connection.recv(65536)


def test_signing_in_and_out(home: RunningHome, url: str) -> None:
    """A one-time link, the session, the forms, and the end of both, over HTTP."""
    name = f"nurse-{secrets.token_hex(4)}"
    database = Database(home.endpoints["database_url"])
    try:
        token = invite(database, name, ["reviewer"])
    finally:
        database.close()
    fields = {"password": "correct horse battery"}
    answer = _post(f"{url}/invitations/{token}", fields)
    assert 303 == answer.status
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    page = urllib3.request("GET", f"{url}/held/", headers={"Cookie": cookie}, redirect=False)
    assert 200 == page.status
    csrf = page.data.decode().split('name="csrf_token" value="')[1].split('"')[0]
    assert 403 == _post(f"{url}/sign-out", {}, Cookie=cookie).status
    assert 303 == _post(f"{url}/sign-out", {"csrf_token": csrf}, Cookie=cookie).status
    assert 303 == urllib3.request("GET", f"{url}/held/", headers={"Cookie": cookie}, redirect=False).status
    assert 404 == _post(f"{url}/invitations/{token}", fields).status


def _post(url: str, fields: dict[str, str], **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.PoolManager().request_encode_body(
        "POST", url, fields=fields, headers=headers or None, encode_multipart=False, redirect=False
    )


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_a_body_that_is_too_large(url: str, size: int) -> None:
    """Whether its length is told or not."""
    body = b"name=" + b"x" * size
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    told = urllib3.request("POST", f"{url}/invitations/x", body=body, headers=headers)
    assert 413 == told.status
    assert "nosniff" == told.headers["X-Content-Type-Options"]
    untold = urllib3.request("POST", f"{url}/invitations/x", body=io.BytesIO(body), headers=headers)
    assert untold.status in {400, 413}  # too large, or its form counts as empty


@pytest.mark.parametrize(
    "path",
    [
        "/held/1/frames/../../../../etc/passwd",
        "/held/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fmain.py",
        "/.env",
        "/assets/../../../../../etc/passwd",
        "/held/1%00.png",
        "/static/page.js/..%2f..%2fmain.py",
    ],
)
def test_tricks_with_paths(url: str, path: str) -> None:
    """No file of the server is sent, and nothing fails."""
    answer = _raw(url, f"GET {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ")[1] in {b"404", b"303", b"400"}, answer
    assert b"root:" not in answer
    assert b"import " not in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", ""])
def test_other_hosts_are_refused(url: str, host: str) -> None:
    """A name of another site that leads to this machine gets no page, and no redirect."""
    for path in ("/", "/held", "//evil.example"):
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        answer = _raw(url, head)
        assert b"400" == answer.split(b" ")[1], answer
        assert b"Location" not in answer


def test_an_item_at_work(review: psycopg.Connection, home: RunningHome, item: int) -> None:
    """The role of review can't change it; a held item it can."""
    with psycopg.connect(home.endpoints["database_url"], autocommit=True) as operator:
        operator.execute("update ledger_item set state = 'running' where id = %s", [item])
        change = "update ledger_item set state = 'done' where id = %s"
        with review.transaction(force_rollback=True):
            assert 0 == review.execute(change, [item]).rowcount
        operator.execute("update ledger_item set state = 'held', settled_at = now() where id = %s", [item])
        with review.transaction(force_rollback=True):
            assert 1 == review.execute(change, [item]).rowcount


def test_row_security_can_not_be_switched_off(review: psycopg.Connection) -> None:
    """Otherwise nothing would keep review from items that are being worked on."""
    review.execute("set row_security = off")
    with pytest.raises(InsufficientPrivilege):
        review.execute("select count(function) from ledger_item")


@pytest.mark.parametrize(
    "statement",
    [
        *(f"select * from {table}" for table in ("pseudonym_space", "schema_migration")),
        "delete from audit_event",
        "update audit_event set who = 'x'",
        "truncate audit_event",
        "insert into page_user (name, roles) values ('x', '{operator}')",
        "update page_user set roles = '{operator}'",
        "update page_user set disabled_at = null",
        "update page_session set roles = '{operator}'",
        "update page_session set created_at = now()",
        "update pending_decision set who = 'x'",
        "insert into erasure_request (patient_id, who, why, state) values ('P', 'x', 'x', 'done')",
        "insert into erasure_request (patient_id, who, why, asked_at) values ('P', 'x', 'x', '2020-01-01')",
        "update erasure_request set state = 'done'",
        "update erasure_request set outcome = null",
        "delete from erasure_request",
        "insert into erased_patient (patient_id, erased_by, why) values ('P', 'x', 'x')",
        "delete from ledger_item",
        "update ledger_item set function = 'review'",
        "update ledger_item set key = 'x'",
        "insert into ledger_item (function, bucket, key, etag) values ('review', 'b', 'k', 'e')",
        "insert into patient default values",
        "delete from image",
        "delete from image_allocation",
    ],
)
def test_what_the_role_of_review_can_not_do(review: psycopg.Connection, statement: str) -> None:
    """Read secrets, change the audit, give itself roles, or write beyond its card."""
    with pytest.raises(InsufficientPrivilege):
        review.execute(statement)
