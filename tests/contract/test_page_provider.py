"""The page with an OpenID Connect provider: what is read of it, and what is off then."""

import pytest
from joserfc.jwk import RSAKey

import oversight.accounts.provider
from common.database import Database
from common.errors import DependencyAwayError, PermanentError, SettingsError
from common.settings import load_settings
from oversight.accounts.provider import Provider
from oversight.accounts.users import invite
from tests.support.oidc_provider import OidcProvider, signed_in
from tests.support.page_bench import PageBench

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider


def test_what_is_published_is_read_once_until_a_key_is_new(
    oidc_bench: PageBench, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token with an unknown key makes the page read the keys again, but not twice in a minute."""
    for _ in range(2):
        assert 200 == signed_in(oidc_bench.application.test_client(), provider).status_code
    assert 1 == provider.reads.count("/.well-known/openid-configuration")
    assert 1 == provider.reads.count("/jwks")
    provider.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    assert 400 == signed_in(oidc_bench.application.test_client(), provider).status_code
    assert 1 == provider.reads.count("/jwks")
    monkeypatch.setattr(oversight.accounts.provider, "_FEWEST_SECONDS", 0)
    assert 200 == signed_in(oidc_bench.application.test_client(), provider).status_code
    assert 2 == provider.reads.count("/jwks")


def test_local_accounts_are_off(oidc_bench: PageBench) -> None:
    """Neither a password nor a one-time link works."""
    token = invite(oidc_bench.database, "nurse", ["reviewer"])
    client = oidc_bench.application.test_client()
    assert 'name="password"' not in client.get("/sign-in").text
    assert 404 == client.post("/sign-in", data={"name": "nurse", "password": "x"}).status_code
    assert 404 == client.get(f"/invitations/{token}").status_code
    assert 404 == client.post(f"/invitations/{token}", data={"password": "a long password"}).status_code


def test_without_a_provider_there_is_no_such_page(database: Database) -> None:
    """The pages for signing in by a provider exist only with one."""
    client = PageBench.on(database).application.test_client()
    assert [404, 404] == [client.get(f"/oidc/{name}").status_code for name in ("start", "callback")]


def test_a_provider_that_does_not_answer(database: Database) -> None:
    """The page says which setting to look at."""
    bench = PageBench.on(database, oidc_issuer="http://127.0.0.1:1", oidc_client_id="page")
    answer = bench.application.test_client().get("/oidc/start")
    assert (503, True) == (answer.status_code, "DCM2SET_OIDC_ISSUER" in answer.text)


def test_what_the_doctor_asks(provider: OidcProvider) -> None:
    """Whether the provider answers, whether it is that of the settings, and is reached safely."""

    def check(**settings: str) -> str:
        return Provider(load_settings(oidc_client_id="page", **settings)).check()

    assert "answers, with 1 key(s) for signatures" == check(oidc_issuer=f"{provider.issuer}/")
    with pytest.raises(PermanentError, match="status 404"):
        check(oidc_issuer=f"{provider.issuer}/realms/other")
    provider.name = "http://localhost/other"
    with pytest.raises(SettingsError, match="another name"):
        check(oidc_issuer=provider.issuer)
    with pytest.raises(DependencyAwayError, match="does not answer"):
        check(oidc_issuer="http://localhost:1")
    with pytest.raises(SettingsError, match="DCM2SET_OIDC_ISSUER names another machine without TLS"):
        check(oidc_issuer="http://provider.example")
    with pytest.raises(SettingsError, match="DCM2SET_OIDC_CLIENT_ID is not set"):
        Provider(load_settings(oidc_issuer=provider.issuer)).check()
