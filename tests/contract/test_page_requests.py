"""Requests that a browser would not send, and texts that are markup."""

import re
from urllib.parse import urlsplit

import pytest

from common.database import Database
from tests.support.marked_page import HEADERS, XSS, mark
from tests.support.page_bench import PageBench, SignedIn

ODD = [
    XSS,
    '" onload="x',
    "\r\nSet-Cookie: a=b",
    "\0",
    "9" * 30,
    "9" * 5000,
    "-1",
    "-" + "9" * 30,
    "nan",
    "1e308",
    "\u0661",
    "%",
    "x" * 5000,
    "//other.example",
    "",
]


@pytest.fixture
def marked(bench: PageBench) -> PageBench:
    """Rows with markup in every text."""
    return mark(bench)


@pytest.fixture
def reviewer(marked: PageBench) -> SignedIn:
    """A reviewer with a script for a name."""
    return marked.sign_in("reviewer", "operator", name=f"{XSS} name")


@pytest.mark.parametrize(
    "path", ["/", "/held/", "/held/1", "/held/sheet?cause=%3Cscript%3Ealert(1)%3C/script%3E%20cause"]
)
def test_texts_are_escaped(reviewer: SignedIn, path: str) -> None:
    """A text of a row is never markup."""
    text = reviewer.get(path).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; name" in text


@pytest.mark.parametrize("path", ["/held/", "/held/1", "/held/sheet", "/held/1/frames/1.png"])
def test_odd_values_in_addresses(reviewer: SignedIn, path: str) -> None:
    """They are no error of the page, no markup and no header."""
    for name in ("cause", "device", "after", "frame", "centre", "width"):
        for value in ODD:
            answer = reviewer.get(path, query_string={"cause": f"{XSS} cause", name: value})
            assert answer.status_code in {200, 303, 400, 404}, (name, value[:40], answer.text)
            assert b"<script>alert" not in answer.data
            assert b' onload="x' not in answer.data
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("name", ["decision", "why", "blank", "held_since", "item", "cause", "held_since_1"])
@pytest.mark.parametrize("path", ["/held/1/decision", "/held/sheet/decision", "/held/1/undo"])
def test_odd_values_in_forms(reviewer: SignedIn, path: str, name: str) -> None:
    """They are told to the person, and decide nothing."""
    form = {"decision": "refuse", "why": "x", "held_since": "2026-01-01T00:00:00Z", "item": "1"}
    for value in ODD:
        answer = reviewer.post(path, **form | {"held_since_1": form["held_since"], name: value})
        assert answer.status_code in {400, 409}, (value[:40], answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/held/1/frames/../../../etc/passwd",
        "/held/1/frames/%2e%2e/%2e%2e/1.png",
        "/held/1/frames/1%2f1.png",
        "/held/1%00/frames/1.png",
        "/held/1/frames/1.png%00",
        "/held/-1",
        "/held/0x1",
        "/held/1e3",
        f"/held/{2**63}",
        f"/held/{'9' * 5000}",
        f"/held/1/frames/{2**31}.png",
        f"/held/1/frames/{2**64}.png",
        f"/held/1/frames/{'9' * 5000}.png",
        "/held/1/frames/0.png",
        "/held/1/frames/-1.png",
        "/held/\u0661",
        "/assets/../page.py",
        "/assets/%2e%2e/page.py",
        "/assets/%2e%2e%2fpage.py",
        "/assets/..%5cpage.py",
        "/static/page.js",
        "/.env",
        "/invitations/..%2f..%2f",
        "/invitations/%00",
    ],
)
def test_tricks_with_paths(reviewer: SignedIn, path: str) -> None:
    """There is no such page."""
    answer = reviewer.get(path)
    assert 404 == answer.status_code, answer.text
    assert set(answer.headers.keys()) >= HEADERS


def test_huge_numbers_within_limits(reviewer: SignedIn) -> None:
    """Numbers that the database can hold, of items and frames that do not exist."""
    assert [404, 404] == [
        reviewer.get(path).status_code
        for path in ("/held/1/frames/2147483647.png", f"/held/{10**18 - 1}/thumbnail.png")
    ]


# Other hosts


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:80",
        "localhost@evil.example",
        "127.0.0.1.evil.example",
        "localhost, evil.example",
        "10.0.0.7",
        "/",
        "@",
        "[::",
    ],
)
def test_other_hosts_are_refused(marked: PageBench, host: str) -> None:
    """Otherwise a name of another site that leads to this machine would read the page as its own."""
    for path in ("/", "/held", "/sign-in", "/assets/page.js", "/nothing", "//evil.example/held"):
        answer = marked.sign_in("reviewer").get(path, headers={"Host": host})
        answer.close()
        assert 400 == answer.status_code
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:9", "[::1]", "[::1]:80"]
)
def test_names_of_this_machine(marked: PageBench, host: str) -> None:
    """Each of them, with any port, which may be forwarded."""
    assert 200 == marked.application.test_client().get("/sign-in", headers={"Host": host}).status_code


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("page.example", 200),
        ("PAGE.example:443", 200),
        ("page.example:8080", 400),
        ("localhost", 400),
        ("127.0.0.1", 400),
        ("page.example.evil.example", 400),
        ("evil.example", 400),
    ],
)
def test_only_the_host_of_the_settings(database: Database, host: str, status: int) -> None:
    """With an address in the settings, no other host is accepted, whatever a proxy says."""
    bench = PageBench.on(database, page_url="https://Page.example:443")
    headers = {"Host": host, "X-Forwarded-Host": "page.example", "X-Forwarded-Proto": "https"}
    assert status == bench.application.test_client().get("/sign-in", headers=headers).status_code


def test_nothing_leads_to_another_host(marked: PageBench) -> None:
    """Neither a parameter, nor a header, nor a doubled slash makes the page redirect elsewhere."""
    evil = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Server": "evil.example",
        "Forwarded": "host=evil.example",
        "X-Original-URL": "//evil.example",
        "Referer": "https://evil.example/",
    }
    query = dict.fromkeys(("next", "url", "return_to", "cause", "redirect_uri"), "https://evil.example/")
    for client in (marked.application.test_client(), marked.sign_in("reviewer").client):
        for path in (
            "/",
            "/held",
            "//evil.example",
            "//evil.example/%2e%2e",
            "/held//",
            "/held/99",
            "/\\evil.example",
        ):
            answer = client.get(path, headers=evil, query_string=query)
            assert urlsplit(answer.headers.get("Location", "")).netloc in {"", "localhost"}, path
            assert not answer.headers.get("Location", "").startswith(("//", "/\\"))
            assert "//evil.example" not in re.sub(r"\?[^\"]*", "", answer.text)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost", 409),
        ("https://localhost", 403),
        ("http://localhost:1", 403),
        ("null", 403),
        ("http://evil.example", 403),
        ("", 403),
    ],
)
def test_forms_of_other_origins(reviewer: SignedIn, origin: str, status: int) -> None:
    """Even with the right token."""
    form = {"csrf_token": reviewer.csrf}
    answer = reviewer.client.post("/held/1/undo", data=form, headers={"Origin": origin})
    assert status == answer.status_code


# Methods, sizes and types


def test_methods(marked: PageBench) -> None:
    """Others than those of a page are refused with the ones that it has."""
    client = marked.sign_in("reviewer", "operator").client
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"):
        for path in ("/", "/held/", "/held/1", "/sign-in", "/sign-out", "/assets/page.js"):
            answer = client.open(path, method=method)
            assert 405 == answer.status_code, (method, path)
            assert method not in answer.headers["Allow"]
    assert [405] * 3 == [
        client.get(path).status_code for path in ("/sign-out", "/held/1/undo", "/held/1/decision")
    ]
    assert 1 == len(marked.database.all("select from page_session"))


@pytest.mark.parametrize("path", ["/sign-in", "/held/1/decision", "/held/sheet/decision", "/sign-out"])
def test_bodies_that_are_too_large(reviewer: SignedIn, path: str) -> None:
    """They are refused before they are read."""
    answer = reviewer.post(path, name="x" * 300_000)
    assert 413 == answer.status_code
    assert set(answer.headers.keys()) >= HEADERS


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "multipart/form-data", "", "\xe9", "multipart/form-data; boundary=x"],
)
def test_other_types_of_bodies(reviewer: SignedIn, kind: str) -> None:
    """A body that is no form has no token."""
    body = f'{{"csrf_token": "{reviewer.csrf}", "decision": "refuse", "why": "x"}}'
    answer = reviewer.client.post("/held/1/decision", data=body, content_type=kind)
    assert 403 == answer.status_code
