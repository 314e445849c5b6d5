"""Who may see and do what on the page."""

import pytest

from functions.review.access.rights import roles_of
from tests.support.page_bench import PageBench


def test_every_view_says_who_may_use_it(bench: PageBench) -> None:
    """A view that says nothing would be an error at its first request; static files are public."""
    views = bench.application.view_functions
    assert {"overview.page", "held.listing", "sign_in.form"} <= set(views)
    for name, view in views.items():
        if name != "static":
            roles_of(view)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/held/", "/held/1", "/held/1/frames/1.png", "/held/sheet?cause=x"),
        *("/items/", "/items/1", "/images/1.2/1.png", "/folders/", "/quarantine/"),
        *("/audit/", "/audit/audit.csv"),
        *("/quality/", "/quality/scores", "/quality/weeks", "/images/2.25.1/1.png"),
        "/",
        "/held/",
        "/held/1",
        "/held/1/frames/1.png",
        "/held/sheet?cause=x",
        "/labels/",
        "/labels/1",
        "/sets/",
    ],
)
def test_no_page_without_a_session(bench: PageBench, path: str) -> None:
    """The browser is sent to the form to sign in."""
    answer = bench.application.test_client().get(path)
    assert (303, "/sign-in") == (answer.status_code, answer.headers["Location"])


@pytest.mark.parametrize("roles", [["viewer"], ["operator"], ["viewer", "operator"]])
@pytest.mark.parametrize(
    "path", ["/held/", "/held/1", "/held/1/frames/1.png", "/held/1/thumbnail.png", "/held/sheet"]
)
def test_only_a_reviewer_sees_what_is_held(bench: PageBench, roles: list[str], path: str) -> None:
    """Neither a viewer nor an operator."""
    assert 403 == bench.sign_in(*roles).get(path).status_code


def test_a_form_of_another_site_is_refused(bench: PageBench) -> None:
    """A form without the session's token, and one whose page is elsewhere."""
    nurse = bench.sign_in("reviewer")
    assert 403 == nurse.client.post("/held/1/undo").status_code
    answer = nurse.client.post(
        "/held/1/undo", data={"csrf_token": nurse.csrf}, headers={"Origin": "https://other.example"}
    )
    assert 403 == answer.status_code
    assert 409 == nurse.post("/held/1/undo").status_code


def test_signing_in_makes_a_new_session(bench: PageBench) -> None:
    """Whatever cookie the browser had; it is hidden from scripts, and not sent from other sites."""
    from oversight.accounts.users import invite

    token = invite(bench.database, "nurse", ["reviewer"])
    client = bench.application.test_client()
    client.set_cookie("dcm2set", "chosen-by-somebody-else")
    answer = client.post(f"/invitations/{token}", data={"password": "a long password"})
    assert (303, "/") == (answer.status_code, answer.headers["Location"])
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "chosen-by-somebody-else" not in cookie
    assert 200 == client.get("/held/").status_code
    assert 404 == client.post(f"/invitations/{token}", data={"password": "a long password"}).status_code
