"""The schema on a real server."""

import uuid

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.schema import migrate
from tests.integration.test_line import image_rows
from tests.local_home import RunningHome
from tests.real_files import make_instance

_UNCOMMENTED = """
select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migration'
    and not a.attisdropped
    and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
"""


@pytest.fixture
def database(home: RunningHome):
    """A database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    operator = home.endpoints["database_url"]
    with psycopg.connect(operator, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield make_conninfo(operator, dbname=name)
    with psycopg.connect(operator, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        roles = connection.execute("select rolname from pg_roles where rolname like %s", [f"{name}%"])
        for (role,) in roles.fetchall():
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def test_every_table_and_column_has_a_comment(home: RunningHome) -> None:
    """Whoever opens the database is told what each table and column holds."""
    assert [] == home.rows(_UNCOMMENTED)


def test_migrating_twice_changes_nothing(database: str) -> None:
    """A second migration finds nothing to do."""
    assert ["0001_line", "0002_training_sets"] == migrate(database)
    assert [] == migrate(database)


@pytest.mark.parametrize("may_create_roles", [True, False])
def test_a_database_of_the_users_own(start_home, database: str, may_create_roles: bool) -> None:
    """With DATABASE_URL set no server is started; functions get own roles if the user may make them."""
    url = database if may_create_roles else _owned_by_a_plain_user(database)
    home = start_home(DATABASE_URL=url)
    assert [] == home.processes("postgres")
    home.put("incoming/own.dcm", make_instance(1, patient=501))
    item = home.settled("extract", "incoming/own.dcm")
    assert "good" == image_rows(home, item["sop_instance_uid"], 1)[0]["verdict"]
    home.wait_until_idle()
    assert may_create_roles == (home.function_environment("quality")["DATABASE_URL"] != url)
    home.end()


def _owned_by_a_plain_user(url: str) -> str:
    """Give the database to a new user without any other right."""
    name = conninfo_to_dict(url)["dbname"]
    user = f"{name}_plain"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login password 'plain'").format(sql.Identifier(user)))
        owner = sql.SQL("alter database {} owner to {}")
        connection.execute(owner.format(sql.Identifier(name), sql.Identifier(user)))
    return make_conninfo(url, user=user, password="plain")
