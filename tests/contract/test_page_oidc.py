"""Signing in by OpenID Connect, with a real provider on this machine."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from common.database import Database
from tests.support.oidc_provider import ROLES, OidcProvider, back, begin, query_of, signed_in
from tests.support.page_bench import PageBench

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider


def test_signing_in(oidc_bench: PageBench, provider: OidcProvider) -> None:
    """The page sends the browser to the provider and takes it back by a page that goes on."""
    client = oidc_bench.application.test_client()
    assert 'href="/oidc/start"' in client.get("/sign-in").text
    address = begin(client)
    asked = query_of(address)
    assert {"code", "page", "S256", "http://localhost/oidc/callback"} <= set(asked.values())
    answer = back(client, provider.sign_in(address, "17"))
    assert 200 == answer.status_code
    assert '<meta http-equiv="refresh" content="0; url=/">' in answer.text
    attempt, session = sorted(answer.headers.getlist("Set-Cookie"), key=len)
    assert attempt.startswith("dcm2set-oidc=;")
    assert session.startswith("dcm2set=")
    assert "SameSite=Strict" in session
    assert 200 == client.get("/held/").status_code
    assert "nurse" in client.get("/").text
    (exchange,) = provider.exchanges
    digest = hashlib.sha256(exchange["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
    (event,) = oidc_bench.database.all("select who, action, details from audit_event")
    assert {"who": "nurse", "action": "sign in", "details": {"roles": ["reviewer"], "subject": "17"}} == event


def test_the_cookie_of_an_attempt(oidc_bench: PageBench) -> None:
    """It is hidden from scripts, lives for minutes, and none of its secrets is in the address."""
    client = oidc_bench.application.test_client()
    answer = client.get("/oidc/start")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=600", "Path=/"} <= set(cookie.split("; "))
    assert cookie.split(";")[0].split("=")[1] not in answer.headers["Location"]
    assert begin(client) != begin(client)


def test_over_tls_both_cookies_are_bound_to_the_host(database: Database, provider: OidcProvider) -> None:
    """With the prefix, no other host of the domain can plant them."""
    bench = PageBench.on(
        database,
        page_url="https://page.example",
        oidc_issuer=provider.issuer,
        oidc_client_id="page",
        oidc_client_secret="s",
        oidc_roles=ROLES,
    )
    client, options = bench.application.test_client(), {"base_url": "https://page.example"}
    begun = client.get("/oidc/start", **options)
    assert begun.headers["Set-Cookie"].startswith("__Host-dcm2set-oidc=")
    parts = urlsplit(provider.sign_in(begun.headers["Location"], "17"))
    assert ("https", "page.example") == (parts.scheme, parts.netloc)
    answer = client.get(f"{parts.path}?{parts.query}", **options)
    cookies = answer.headers.getlist("Set-Cookie")
    assert ["__Host-dcm2set-oidc", "__Host-dcm2set"] == [each.split("=")[0] for each in cookies]
    assert all("Secure" in each for each in cookies)


@pytest.mark.parametrize(("subject", "status"), [("17", 200), ("19", 403)])
def test_roles_of_groups(oidc_bench: PageBench, provider: OidcProvider, subject: str, status: int) -> None:
    """A claim may be a list or one name; an operator is no reviewer."""
    client = oidc_bench.application.test_client()
    assert 200 == signed_in(client, provider, subject).status_code
    assert status == client.get("/held/").status_code


def test_a_user_without_a_role(oidc_bench: PageBench, provider: OidcProvider) -> None:
    """The answer says what to ask for; there is no session."""
    client = oidc_bench.application.test_client()
    answer = signed_in(client, provider, "18")
    assert 403 == answer.status_code
    assert "You have no role here" in answer.text
    assert 303 == client.get("/").status_code
    assert [] == oidc_bench.database.all("select from page_session")
    (event,) = oidc_bench.database.all("select who, action from audit_event")
    assert {"who": "porter", "action": "sign in failed"} == event


def test_sessions_end_when_the_page_gets_other_accounts(
    bench: PageBench, oidc_bench: PageBench, provider: OidcProvider
) -> None:
    """A local session at the provider's page, and one of the provider at a page with local accounts."""
    local, client = bench.sign_in("reviewer"), oidc_bench.application.test_client()
    cookie = local.client.get_cookie("dcm2set")
    assert cookie is not None
    client.set_cookie("dcm2set", cookie.value)
    assert [200, 303] == [each.get("/held/").status_code for each in (local, client)]
    assert 303 == client.get("/held/", headers={"X-Renewal": "1"}).status_code
    assert 200 == signed_in(client, provider).status_code
    assert 200 == client.get("/held/").status_code
    assert [{"issuer": provider.issuer}] == oidc_bench.database.all("select issuer from page_session")
    session = client.get_cookie("dcm2set")
    assert session is not None
    other = bench.application.test_client()
    other.set_cookie("dcm2set", session.value)
    assert [303, 303] == [each.get("/held/").status_code for each in (other, local)]


def test_a_state_of_another_browser(oidc_bench: PageBench, provider: OidcProvider) -> None:
    """An address that somebody else has begun signs nobody in, with or without an attempt of one's own."""
    mine, other = oidc_bench.application.test_client(), oidc_bench.application.test_client()
    address = provider.sign_in(begin(other), "17")
    for _ in range(2):
        assert 400 == back(mine, address).status_code
        begin(mine)
    assert 400 == mine.get("/oidc/callback").status_code
    assert [] == provider.exchanges
    assert 200 == back(other, address).status_code


def test_a_code_works_once(oidc_bench: PageBench, provider: OidcProvider) -> None:
    """Neither again in this browser, nor if the cookie of the attempt was kept."""
    client = oidc_bench.application.test_client()
    address = begin(client)
    kept = client.get_cookie("dcm2set-oidc")
    assert kept is not None
    returned = provider.sign_in(address, "17")
    assert 200 == back(client, returned).status_code
    assert 400 == back(client, returned).status_code
    client.set_cookie("dcm2set-oidc", kept.value)
    client.delete_cookie("dcm2set")
    assert 400 == back(client, returned).status_code
    assert 303 == client.get("/").status_code
    assert 1 == len(oidc_bench.database.all("select from page_session"))


def test_a_code_for_another_attempt(oidc_bench: PageBench, provider: OidcProvider) -> None:
    """Its ID token has another nonce."""
    mine, other = oidc_bench.application.test_client(), oidc_bench.application.test_client()
    stolen = query_of(provider.sign_in(begin(other), "17"))["code"]
    state = query_of(begin(mine))["state"]
    answer = mine.get(f"/oidc/callback?{urlencode({'code': stolen, 'state': state})}")
    assert (400, True) == (answer.status_code, "(nonce)" in answer.text)


def _joined(*parts: bytes) -> str:
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _none(_: OidcProvider, claims: dict[str, Any]) -> str:
    return _joined(b'{"alg": "none"}', json.dumps(claims).encode(), b"")


def _symmetric(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """Signed with the public key, as if that were a password."""
    signed = _joined(b'{"alg": "HS256", "kid": "first"}', json.dumps(claims).encode())
    key = provider.key.as_pem(private=False)
    return f"{signed}.{_joined(hmac.digest(key, signed.encode(), 'sha256'))}"


def _foreign(_: OidcProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, RSAKey.generate_key(2048))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"aud": ["page", "another"]},
        {"aud": ["page", "another"], "azp": "another"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"exp": None},
        {"iat": 10**11},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
def test_wrong_claims(oidc_bench: PageBench, provider: OidcProvider, change: dict[str, Any]) -> None:
    """A token for another client, of another issuer, too old, or for another attempt signs nobody in."""

    def alter(claims: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in (claims | change).items() if value is not None}

    provider.alter = alter
    _assert_refused(oidc_bench, provider)


@pytest.mark.parametrize("sign", [_none, _symmetric, _foreign, lambda *_: "", lambda *_: "a.b.c"])
def test_wrong_signatures(oidc_bench: PageBench, provider: OidcProvider, sign: Any) -> None:
    """Only signatures by the provider's own keys count, and only by two algorithms."""
    provider.sign = sign
    _assert_refused(oidc_bench, provider)


def _assert_refused(oidc_bench: PageBench, provider: OidcProvider) -> None:
    client = oidc_bench.application.test_client()
    answer = signed_in(client, provider)
    assert 400 == answer.status_code, answer.text
    assert "ID token is not valid" in answer.text
    assert [] == oidc_bench.database.all("select from page_session")


def test_a_refusal_of_the_provider(oidc_bench: PageBench) -> None:
    """What the provider writes about it is not shown."""
    client = oidc_bench.application.test_client()
    state = query_of(begin(client))["state"]
    answer = client.get(f"/oidc/callback?error=access_denied&error_description=Marker&state={state}")
    assert (403, False) == (answer.status_code, "Marker" in answer.text)


def test_another_issuer_in_the_answer(oidc_bench: PageBench, provider: OidcProvider) -> None:
    """RFC 9207: an answer that names another provider is refused before its code is used."""
    client = oidc_bench.application.test_client()
    address = provider.sign_in(begin(client), "17")
    assert 403 == back(client, f"{address}&iss=https%3A%2F%2Fother.example").status_code
    assert [] == provider.exchanges
