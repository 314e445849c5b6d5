"""Sessions, sign-in and one-time links of the page: when they end, and what they refuse."""

import re
from typing import Any

import pytest

from common.database import Database
from functions.review.access import sign_in as sign_in_page
from oversight.accounts import users
from oversight.accounts.first_link import page_sentence
from oversight.accounts.users import accept, disable, invite
from tests.support.page_bench import PageBench, SignedIn

PASSWORD = "correct horse battery"
ITEM = """insert into ledger_item (function, bucket, key, etag, state, cause, device, settled_at)
    values ('extract', 'raw', %(key)s, 'e', 'held', %(cause)s, %(device)s, now())"""


@pytest.fixture
def nurse(bench: PageBench) -> SignedIn:
    """A reviewer with a password, signed in; item 1 is held."""
    accept(bench.database, invite(bench.database, "nurse", ["reviewer"]), PASSWORD)
    bench.database.run(ITEM, key="nas/Doe^Jane/1.dcm", cause="Text was found.", device="ACME")
    return bench.sign_in("reviewer")


def _sign_in(bench: PageBench, name: str = "nurse", password: str = PASSWORD, **options: Any) -> Any:
    form = {"name": name, "password": password}
    return bench.application.test_client().post("/sign-in", data=form, **options)


# Sessions


@pytest.mark.parametrize(
    ("column", "minutes", "is_over"),
    [
        ("last_seen_at", 29, False),
        ("last_seen_at", 31, True),
        ("created_at", 599, False),
        ("created_at", 601, True),
    ],
)
def test_a_session_expires(
    bench: PageBench, nurse: SignedIn, column: str, minutes: int, *, is_over: bool
) -> None:
    """When it was idle for 30 minutes, and after 10 hours at the latest."""
    bench.database.run(f"update page_session set {column} = now() - {minutes} * interval '1 minute'")
    assert (303 if is_over else 200) == nurse.get("/held/").status_code
    assert (401 if is_over else 409) == nurse.post("/held/1/undo").status_code


@pytest.mark.parametrize(("headers", "is_over"), [({}, False), ({"X-Renewal": "1"}, True)])
def test_a_page_that_renews_itself_is_not_in_use(
    bench: PageBench, nurse: SignedIn, headers: dict[str, str], *, is_over: bool
) -> None:
    """Otherwise an open overview would keep the session of a person who has left."""
    for _ in range(2):
        bench.database.run("update page_session set last_seen_at = last_seen_at - interval '20 minutes'")
        answer = nurse.get("/", headers=headers)
    assert (303 if is_over else 200) == answer.status_code


def test_signing_out_ends_the_session(bench: PageBench, nurse: SignedIn) -> None:
    """Also for somebody who has kept the cookie; other sessions of the user go on."""
    other, cookie = bench.sign_in("reviewer"), nurse.client.get_cookie("dcm2set")
    assert cookie is not None
    answer = nurse.post("/sign-out")
    assert (303, "/sign-in") == (answer.status_code, answer.headers["Location"])
    assert "dcm2set=;" in answer.headers["Set-Cookie"]
    nurse.client.set_cookie("dcm2set", cookie.value)
    assert [303, 200] == [each.get("/held/").status_code for each in (nurse, other)]


def test_sessions_end_with_the_account_its_roles_and_its_password(bench: PageBench, nurse: SignedIn) -> None:
    """A user who is disabled, gets other roles, or sets a new password; another user's session goes on."""
    other = bench.sign_in("reviewer", name="other")
    token = invite(bench.database, "nurse", ["viewer"])
    assert 303 == nurse.get("/").status_code
    again = bench.sign_in("viewer")
    assert "nurse" == accept(bench.database, token, PASSWORD)
    assert 303 == again.get("/").status_code
    again = bench.sign_in("viewer")
    assert disable(bench.database, "nurse")
    assert [303, 200] == [each.get("/").status_code for each in (again, other)]
    assert 403 == _sign_in(bench).status_code


def test_the_password_of_a_disabled_user_is_forgotten(bench: PageBench, nurse: SignedIn) -> None:
    """Who is invited again must choose a new one: the old one may be why the user was disabled."""
    assert 200 == nurse.get("/").status_code
    disable(bench.database, "nurse")
    invite(bench.database, "nurse", ["reviewer"])
    assert 403 == _sign_in(bench).status_code


def test_a_new_link_replaces_the_one_before(bench: PageBench) -> None:
    """`up` prints one at each start until somebody has a password; only the last one works, and once."""
    settings = bench.application.extensions["dcm2set"].settings
    first, second = (page_sentence(bench.database, settings, "http://127.0.0.1:1/") for _ in range(2))
    paths = [re.search(r"/invitations/\S+", text)[0] for text in (first, second)]  # type: ignore[index]
    client = bench.application.test_client()
    assert [404, 200] == [client.get(path).status_code for path in paths]
    form = {"password": PASSWORD}
    assert [404, 303, 404] == [
        client.post(path, data=form).status_code for path in (paths[0], paths[1], paths[1])
    ]
    assert page_sentence(bench.database, settings, "http://127.0.0.1:1/") == "Page: http://127.0.0.1:1"


def test_an_old_link_does_not_work(bench: PageBench) -> None:
    """After 24 hours."""
    token = invite(bench.database, "nurse", ["viewer"])
    bench.database.run("update page_user set invite_expires_at = now() - interval '1 second'")
    client = bench.application.test_client()
    assert 404 == client.get(f"/invitations/{token}").status_code
    assert 404 == client.post(f"/invitations/{token}", data={"password": PASSWORD}).status_code


@pytest.mark.parametrize(
    ("url", "name"),
    [(None, "dcm2set"), ("http://page.example", "dcm2set"), ("https://page.example", "__Host-dcm2set")],
)
def test_flags_of_the_cookie(database: Database, url: str | None, name: str) -> None:
    """Over TLS it is bound to the host and never sent without TLS; other cookies sign nobody in then."""
    bench = PageBench.on(database, page_url=url)
    token, client = invite(database, "nurse", ["viewer"]), bench.application.test_client()
    options = {"base_url": url or "http://localhost"}
    answer = client.post(f"/invitations/{token}", data={"password": PASSWORD}, **options)
    cookie, *flags = answer.headers["Set-Cookie"].split("; ")
    assert cookie.startswith(f"{name}=")
    is_tls = name.startswith("__Host-")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(flags)
    assert is_tls == ("Secure" in flags)
    assert is_tls == ("Strict-Transport-Security" in answer.headers)
    assert not [flag for flag in flags if flag.startswith("Domain")]
    assert 200 == client.get("/", **options).status_code
    other = bench.application.test_client()
    other.set_cookie("other-name", cookie.split("=")[1], domain="page.example")
    assert 303 == other.get("/", **options).status_code


# Signing in


def test_failed_attempts_by_name_and_address(bench: PageBench, nurse: SignedIn) -> None:
    """After five for a name it is refused even with the password, until 15 minutes have passed."""
    assert 200 == nurse.get("/").status_code
    assert [403] * 5 + [429] * 2 == [_sign_in(bench, password="wrong").status_code for _ in range(7)]
    assert [429, 429, 403] == [_sign_in(bench, name).status_code for name in ("nurse", " NURSE ", "other")]
    elsewhere = {"environ_base": {"REMOTE_ADDR": "10.0.0.9"}}
    assert 429 == _sign_in(bench, **elsewhere).status_code
    bench.database.run("update sign_in_failure set at = at - interval '15 minutes'")
    assert 303 == _sign_in(bench).status_code
    assert [] == bench.database.all("select from sign_in_failure")


def test_failed_attempts_from_one_address(bench: PageBench, nurse: SignedIn) -> None:
    """Many names from one address are refused as well; another address is not."""
    assert 200 == nurse.get("/").status_code
    bench.database.run(
        "insert into sign_in_failure (subject) select sha256('address 127.0.0.1') from generate_series(1, 49)"
    )
    assert [403, 429, 429] == [_sign_in(bench, name).status_code for name in ("a", "b", "nurse")]
    headers = {"X-Forwarded-For": "10.0.0.9"}
    assert 429 == _sign_in(bench, headers=headers).status_code
    assert 303 == _sign_in(bench, environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code


def test_a_success_forgets_the_failures_of_the_name(bench: PageBench, nurse: SignedIn) -> None:
    """Those of the address stay."""
    assert 200 == nurse.get("/").status_code
    answers = [
        _sign_in(bench, password=word).status_code for word in (*["wrong"] * 4, PASSWORD, *["wrong"] * 5)
    ]
    assert [403] * 4 + [303] + [403] * 5 == answers
    assert 14 == len(bench.database.all("select from sign_in_failure"))


def test_an_unknown_name_looks_like_a_wrong_password(
    bench: PageBench, nurse: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer after the same work: each time one hash is computed."""
    assert 200 == nurse.get("/").status_code
    invite(bench.database, "invited", ["viewer"])
    invite(bench.database, "gone", ["viewer"])
    disable(bench.database, "gone")
    hashes: list[str] = []

    class Hasher:
        def verify(self, known: str, password: str) -> bool:
            hashes.append(known)
            return bool(verify(known, password))

    verify = users._hasher.verify  # noqa: SLF001 the work that takes time
    monkeypatch.setattr(users, "_hasher", Hasher())
    answers = [_sign_in(bench, name, "wrong") for name in ("nurse", "nobody", "invited", "gone")]
    assert 1 == len({(answer.status_code, answer.text, tuple(sorted(answer.headers))) for answer in answers})
    assert 4 == len(hashes)
    assert 1 == len({known.rpartition("$")[0].rpartition("$")[0] for known in hashes})  # the same cost


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "\0", "password": "x"},
        {"name": "x" * 10**5, "password": "y" * 10**5},
        {"name": "nurse", "password": "\0"},
        {"name": "' or 1=1 --", "password": "' or '1'='1"},
    ],
)
def test_odd_names_and_passwords(bench: PageBench, form: dict[str, str]) -> None:
    """They sign nobody in, and are no error of the page."""
    assert bench.application.test_client().post("/sign-in", data=form).status_code in {400, 403}


def test_the_limits_are_those_that_are_documented() -> None:
    """docs/page.md names them."""
    assert (5, 50, 15) == (
        sign_in_page._MOST_OF_NAME,  # noqa: SLF001
        sign_in_page._MOST_OF_ADDRESS,  # noqa: SLF001
        sign_in_page._MINUTES,  # noqa: SLF001
    )
