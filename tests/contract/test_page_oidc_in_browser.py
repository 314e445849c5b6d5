"""Signing in by OpenID Connect in a real browser, at a provider on another site."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import chromium, opened
from tests.support.oidc_provider import OidcProvider, served
from tests.support.page_bench import PageBench

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider


def _sign_in(page: Page, address: str, provider: OidcProvider, subject: str) -> None:
    page.goto(f"{address}/")
    page.get_by_role("link", name="Sign in with your account").click()
    page.wait_for_url(re.compile(f"{re.escape(provider.issuer)}/.*"))
    page.get_by_placeholder("sub").first.fill(subject)
    page.get_by_role("button", name="Authorize").click()


def test_a_browser_signs_in_at_the_provider(oidc_bench: PageBench, provider: OidcProvider) -> None:
    """The session's cookie is strict, and is sent with the first page after the way back from there."""
    with (
        served(oidc_bench.application, "127.0.0.1") as address,  # the provider is at localhost: another site
        chromium() as browser,
        opened(browser) as page,
    ):
        _sign_in(page, address, provider, "17")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert f"{address}/" == page.url
        expect(page.get_by_role("banner").get_by_text("nurse", exact=True)).to_be_visible()
        (cookie,) = page.context.cookies()
        assert ("dcm2set", "Strict", True) == (cookie["name"], cookie["sameSite"], cookie["httpOnly"])
        page.get_by_role("link", name="Held", exact=True).click()
        expect(page.get_by_role("heading", name="Held files")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{address}/held/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        _sign_in(page, address, provider, "18")
        expect(page.get_by_text("You have no role here")).to_be_visible()
        assert [] == page.context.cookies()
