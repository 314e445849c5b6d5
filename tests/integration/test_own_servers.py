"""Homes with what a user brings along: a database, with or without roles, and tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.image_rows import image_rows
from tests.support.local_home import RunningHome
from tests.support.own_database import create_database, drop_database
from tests.support.real_files import make_instance

_TOKEN, _FORMER = "a-token-of-the-user-s", "b" * 16


@contextmanager
def _new_database(home: RunningHome) -> Iterator[str]:
    server = home.endpoints["database_url"]
    url = create_database(server)
    yield url
    drop_database(server, url)


@pytest.fixture(scope="module")
def home_with_roles(
    home: RunningHome, start_home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHome]:
    """A home on a database whose user may create roles, with a token file that has two tokens."""
    file = tmp_path_factory.mktemp("tokens") / "tokens"
    file.write_text(f"{_TOKEN}\n{_FORMER}\n")
    with _new_database(home) as url:
        own: RunningHome = start_home(DATABASE_URL=url, DCM2SET_TOKEN_FILE=str(file))
        yield own
        own.end()


@pytest.fixture(scope="module")
def home_without_roles(home: RunningHome, start_home) -> Iterator[RunningHome]:
    """A home on a database whose user only owns it, with a token in the settings."""
    with _new_database(home) as url:
        own: RunningHome = start_home(DATABASE_URL=_owned_by_a_plain_user(url), DCM2SET_TOKEN=_TOKEN)
        yield own
        own.end()


def _owned_by_a_plain_user(url: str) -> str:
    """Make a new user without any other right the owner of the database; returns its URL."""
    name = conninfo_to_dict(url)["dbname"]
    user = f"{name}_plain"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login password 'plain'").format(sql.Identifier(user)))
        owner = sql.SQL("alter database {} owner to {}")
        connection.execute(owner.format(sql.Identifier(name), sql.Identifier(user)))
    return make_conninfo(url, user=user, password="plain")


@pytest.mark.parametrize(
    ("name", "may_create_roles"), [("home_with_roles", True), ("home_without_roles", False)]
)
def test_a_database_of_the_user(request: pytest.FixtureRequest, name: str, may_create_roles: bool) -> None:
    """With DATABASE_URL no server is started; functions get own roles if the user may create roles."""
    own: RunningHome = request.getfixturevalue(name)
    assert [] == own.processes("postgres")
    own.put("incoming/own.dcm", make_instance(1, patient=501))
    item = own.settled("extract", "incoming/own.dcm")
    assert "good" == image_rows(own, item["sop_instance_uid"], 1)[0]["verdict"]
    own.wait_until_idle()
    url = own.endpoints["database_url"]
    assert may_create_roles == (own.function_environment("quality")["DATABASE_URL"] != url)


def test_a_token_of_the_settings_is_not_changed(home_without_roles: RunningHome) -> None:
    """With DCM2SET_TOKEN set, the command changes nothing and says where the token comes from."""
    assert 200 == home_without_roles.post("sweep", token=_TOKEN).status
    done = home_without_roles.run_cli("rotate-token")
    assert 2 == done.returncode
    assert "DCM2SET_TOKEN" in done.stderr
    assert 200 == home_without_roles.post("sweep", token=_TOKEN).status


def test_a_token_file_of_the_user_s_own_may_hold_two_tokens(home_with_roles: RunningHome) -> None:
    """With DCM2SET_TOKEN_FILE set, all tokens in it are accepted, and the command changes nothing."""
    file = Path(home_with_roles.settings["DCM2SET_TOKEN_FILE"])
    assert 2 == home_with_roles.run_cli("rotate-token").returncode
    assert f"{_TOKEN}\n{_FORMER}\n" == file.read_text()
    for token in (_TOKEN, _FORMER):
        assert 200 == home_with_roles.post("sweep", token=token).status
    assert 401 == home_with_roles.post("sweep", token="c" * 16).status
