"""All pages as every role: no error, no markup of a row, and no patient."""

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.support.marked_page import HEADERS, MARKER, mark
from tests.support.page_bench import PageBench

ROLES = [(), ("viewer",), ("reviewer",), ("operator",), ("reviewer", "operator")]


@pytest.fixture
def marked(bench: PageBench) -> PageBench:
    """Rows with markup in every text."""
    return mark(bench)


def _client(bench: PageBench, roles: tuple[str, ...]) -> FlaskClient:
    return bench.sign_in(*roles).client if roles else bench.application.test_client()


def _assert_fit(answer: Any, roles: tuple[str, ...], path: str) -> None:
    assert answer.status_code < 500, (path, answer.text)
    assert set(answer.headers.keys()) >= HEADERS, path
    if answer.mimetype == "text/html":
        assert b"<script>alert" not in answer.data, path
    if "reviewer" not in roles:
        assert MARKER.encode() not in answer.data, path
    assert MARKER not in str(answer.headers), path
    assert "://" not in answer.headers.get("Location", ""), path
    assert f"nas/{MARKER}" not in answer.data.decode(errors="replace"), path


@pytest.mark.parametrize("roles", ROLES, ids="+".join)
def test_a_walk_through_all_links(marked: PageBench, roles: tuple[str, ...]) -> None:
    """From the overview every link, picture and form that asks is followed: no error, and no patient."""
    client, found, seen = _client(marked, roles), ["/"], set[str]()
    while found and len(seen) < 300:
        path = found.pop(0)
        if path in seen:
            continue
        seen.add(path)
        answer = client.get(path, headers={"Accept": "text/html"})
        _assert_fit(answer, roles, path)
        assert answer.status_code < 400, path
        answer.close()
        found += [answer.headers["Location"]] if "Location" in answer.headers else []
        if answer.mimetype == "text/html":
            found += _links(answer.text)
    assert len(seen) >= (8 if "reviewer" in roles else 3), seen


def _links(text: str) -> list[str]:
    """The addresses in a page on this host, and those to which its GET forms lead."""
    links = [unescape(link) for link in re.findall(r'(?:href|src)="(/[^"]*)"', text)]
    for action, body in re.findall(r'<form method="get" action="([^"]*)"(.*?)</form>', text, re.DOTALL):
        fields = re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', body)
        for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL):
            fields += [(name, value) for value in re.findall(r"<option selected>([^<]*)", options)]
        query = "&".join(f"{name}={value}" for name, value in fields)
        links.append(unescape(f"{action}?{query}").replace("<", "%3C").replace(" ", "%20"))
    return links


def _paths(rule: Rule) -> list[str]:
    """Addresses of a route: its arguments exist, do not exist, and are as large as they can be."""
    values = ("1", "2", "999", "9" * 18, "9" * 40, "a%0d%0ab")
    return [re.sub(r"<[^>]+>", value, rule.rule) for value in values]


@pytest.mark.parametrize("roles", ROLES, ids="+".join)
def test_every_route(marked: PageBench, roles: tuple[str, ...]) -> None:
    """Each route with each method and generated arguments: never an error of the page, whoever asks."""
    for rule in marked.application.url_map.iter_rules():
        for method in sorted(rule.methods or ()):
            for path in _paths(rule):
                signed_in = marked.sign_in(*roles) if roles else None
                client = signed_in.client if signed_in else marked.application.test_client()
                form = {"csrf_token": signed_in.csrf} if signed_in else {}
                answer = client.open(path, method=method, data=form if method == "POST" else None)
                _assert_fit(answer, roles, f"{method} {path}")
                answer.close()
