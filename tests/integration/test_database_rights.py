"""The database role of each function has the rights of its card, and no others.

Every right is tried on a real Postgres, both granted and refused, on every table, view, sequence and column.
"""

import re
from collections.abc import Iterator, Mapping
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege

from infra.local.home import Home
from infra.provision.function_card import FunctionCard, function_cards
from tests.support.local_home import RunningHome, wait_for

CARDS = function_cards()
RELATIONS = """
select c.relname as name, c.relkind::text as kind, array_agg(a.attname::text) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
group by 1, 2 order by 1
"""
# Trigger functions can't be called directly.
FUNCTIONS = """
select proname as name, pronargs::int as arguments from pg_proc
where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype order by 1
"""
BEYOND_ANY_CARD = """
create table mine (a int)
create view mine as select 1
create schema mine
create function mine() returns int language sql as 'select 1'
create extension pg_trgm
create extension file_fdw
create role mine
create role mine superuser
create database mine
create publication mine for all tables
create policy mine on ledger_item using (true)
alter table ledger_item disable row level security
alter table ledger_item no force row level security
alter table ledger_item owner to current_user
alter system set log_statement = 'all'
drop table ledger_item
drop view balance
drop policy extract_own_rows on ledger_item
comment on table ledger_item is 'mine'
grant select on schema_migration to public
set role {operator}
set session authorization {operator}
alter role current_user superuser
alter role current_user createrole
alter role current_user bypassrls
alter role {operator} password 'mine'
alter role {other} password 'mine'
grant {operator} to current_user
drop role {other}
alter database {database} set row_security = off
set log_statement = 'all'
set session_replication_role = replica
select * from pg_authid
select * from pg_shadow
select * from pg_hba_file_rules
select * from pg_file_settings
select * from pg_subscription
select * from pg_largeobject
select * from pg_statistic
select pg_read_file('postgresql.conf')
select pg_read_binary_file('pg_hba.conf')
select pg_ls_dir('.')
select pg_stat_file('postgresql.conf')
select pg_ls_logdir()
select pg_reload_conf()
select pg_rotate_logfile()
select pg_terminate_backend(pid) from pg_stat_activity where usename = '{operator}'
select pg_switch_wal()
select pg_create_restore_point('mine')
select pg_logical_emit_message(true, 'a', 'b'), pg_read_file('a')
select lo_create(0)
select lo_creat(-1)
select lo_from_bytea(0, 'a')
select lo_import('/etc/passwd')
copy (select 1) to '/tmp/mine'
copy (select 1) to program 'true'
copy schema_migration from '/etc/passwd'
copy ledger_item (function) from program 'true'
select * from schema_migration
""".strip().splitlines()


@pytest.fixture
def url(home: RunningHome, card: FunctionCard) -> str:
    """The URL with which the function connects."""
    operator = home.endpoints["database_url"]
    user = f"{conninfo_to_dict(operator)['dbname']}_{card.function}"
    return make_conninfo(
        operator, user=user, password=Home(home.folder).secrets().postgres_keys[card.function]
    )


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection]:
    """A session of the function."""
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=5s") as connection:
        yield connection


def _is_allowed(connection: psycopg.Connection, statement: str | sql.Composed) -> bool:
    """Whether the role has the right; a statement that fails for another reason counts as allowed."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.ActiveSqlTransaction:
        return _is_allowed_outside(connection, statement)
    except InsufficientPrivilege:
        return False
    except (psycopg.errors.IntegrityError, psycopg.errors.SerializationFailure):
        return True
    return True


def _is_allowed_outside(connection: psycopg.Connection, statement: str | sql.Composed) -> bool:
    try:
        connection.execute(statement)
    except InsufficientPrivilege:
        return False
    return True


def _rights(text: str) -> Mapping[str, set[str] | None]:
    """The columns of each right in a card; None means all columns."""
    found = re.findall(r"(\w+)(?:\s*\(([^)]*)\))?(?:,|$)", text)
    return {right: set(re.split(r"\s*,\s*", columns)) if columns else None for right, columns in found}


def _expected(card: FunctionCard, relation: str, right: str, column: str | None) -> bool:
    rights = _rights(card.tables.get(relation, ""))
    if right not in rights:
        return False
    columns = rights[right]
    return columns is None or column in columns


def _attempts(relation: Mapping) -> Iterator[tuple[str, str | None, sql.Composed]]:
    """Each right on each column, with a statement that needs the right and changes no row."""
    name = sql.Identifier(relation["name"])
    if relation["kind"] == "S":
        yield "usage", None, sql.SQL("select nextval({})").format(sql.Literal(relation["name"]))
        return
    for column in relation["columns"]:
        given = {"table": name, "column": sql.Identifier(column)}
        yield "select", column, sql.SQL("select {column} from {table} limit 0").format(**given)
        if relation["kind"] == "r":
            insert = "insert into {table} ({column}) overriding system value select null where false"
            yield "insert", column, sql.SQL(insert).format(**given)
            update = "update {table} set {column} = default where false"
            yield "update", column, sql.SQL(update).format(**given)
    if relation["kind"] == "r":
        yield "delete", None, sql.SQL("delete from {} where false").format(name)
        yield "truncate", None, sql.SQL("truncate {} cascade").format(name)


def test_tables_and_columns(home: RunningHome, card: FunctionCard, connection: psycopg.Connection) -> None:
    """Each column of each table can be read, inserted and updated if the card says so, and otherwise not."""
    relations = home.rows(RELATIONS)
    assert set(card.tables) <= {relation["name"] for relation in relations}
    wrong = [
        (relation["name"], right, column)
        for relation in relations
        for right, column, statement in _attempts(relation)
        if _expected(card, relation["name"], right, column) != _is_allowed(connection, statement)
    ]
    assert [] == wrong


def test_everything_else_is_refused(
    home: RunningHome, card: FunctionCard, connection: psycopg.Connection
) -> None:
    """Creating, changing or reading anything but tables is refused because the right is missing."""
    operator = conninfo_to_dict(home.endpoints["database_url"])
    others = [other.function for other in CARDS if other is not card]
    names = {
        "operator": operator["user"],
        "database": operator["dbname"],
        "other": f"{operator['dbname']}_{others[0]}",
    }
    allowed = [each for each in BEYOND_ANY_CARD if _is_allowed(connection, each.format(**names))]
    assert [] == allowed
    makes_temporary = _is_allowed(connection, "create temporary table mine (a int)")
    assert card.access.get("temporary_tables", False) == makes_temporary


def test_functions_of_the_schema(
    home: RunningHome, card: FunctionCard, connection: psycopg.Connection
) -> None:
    """Only a role whose card names a function may call it; some functions run with their owner's rights."""
    functions = home.rows(FUNCTIONS)
    calls = set(card.access.get("calls", ()))
    assert calls <= {function["name"] for function in functions}
    for function in functions:
        values = sql.SQL(", ").join([sql.NULL] * function["arguments"])
        call = sql.SQL("select {}({})").format(sql.Identifier(function["name"]), values)
        assert (function["name"] in calls) == _is_allowed(connection, call), function["name"]


def test_rows_of_another_function(
    home: RunningHome, card: FunctionCard, connection: psycopg.Connection
) -> None:
    """Items of another function can't be read, inserted or updated, and an item can't change its function.

    Only review decides about items of all functions: test_page_security.py says which.
    """
    if card.function == "review" or "update" not in _rights(card.tables.get("ledger_item", "")):
        return
    home.post(card.function, {"bucket": "raw", "key": "nowhere"})
    seen = connection.execute("select distinct function from ledger_item").fetchall()
    assert {(card.function,)} >= set(seen)
    insert = (
        "insert into ledger_item (function, bucket, key, etag, state) values ('{}', 'b', 'k', 'e', 'done')"
    )
    for other in ({each.function for each in CARDS} | {"x"}) - {card.function}:
        assert not _is_allowed(connection, insert.format(other))
        changed = connection.execute("update ledger_item set state = 'done' where function = %s", [other])
        assert 0 == changed.rowcount
    assert _is_allowed(connection, insert.format(card.function))
    connection.execute("set row_security = off")
    assert not _is_allowed(connection, "select count(function) from ledger_item")


def test_items_are_announced_only_for_functions_of_the_card(
    card: FunctionCard, connection: psycopg.Connection
) -> None:
    """A function may insert due items for the functions that its card names, and no other items."""
    insert = (
        "insert into ledger_item (function, bucket, key, etag, state, attempts, due_at) "
        "values ('{}', 'b', 'k', 'e', '{}', {}, now()) on conflict do nothing"
    )
    announced = set(card.access.get("announces", ()))
    for other in {each.function for each in CARDS} - {card.function}:
        assert (other in announced) == _is_allowed(connection, insert.format(other, "retry", 0)), other
        assert not _is_allowed(connection, insert.format(other, "retry", 1)), other
        for state in ("running", "done", "held", "quarantined"):
            assert not _is_allowed(connection, insert.format(other, state, 0)), (other, state)


def test_other_databases(home: RunningHome, url: str) -> None:
    """A function can connect to the database of dcm2set, and to no other database of the server."""
    own = conninfo_to_dict(url)["dbname"]
    for row in home.rows("select datname from pg_database where datname <> %s and datallowconn", own):
        if re.fullmatch(r"[a-z]+_[0-9a-f]{8,12}", row["datname"]):
            continue  # another test's own
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(make_conninfo(url, dbname=row["datname"]))


def test_a_role_s_own_attributes(home: RunningHome, card: FunctionCard, url: str) -> None:
    """A role may log in, has no other attribute, and is not a member of another role."""
    role = conninfo_to_dict(url)["user"]
    (row,) = home.rows("select * from pg_roles where rolname = %s", role)
    assert row["rolcanlogin"]
    for attribute in ("super", "createdb", "createrole", "replication", "bypassrls"):
        assert not row[f"rol{attribute}"], attribute
    assert {"statement_timeout", "idle_in_transaction_session_timeout"} <= {
        setting.partition("=")[0] for setting in row["rolconfig"]
    }
    assert [] == home.rows("select * from pg_auth_members where member = %s::regrole", role)


def test_the_server_s_log_contains_no_row(home: RunningHome) -> None:
    """The log names only the constraint of a refused row, because its values may be a path of the NAS."""
    name, insert = f"Marker-{uuid4()}", "insert into source_folder (name) values (%s)"
    with psycopg.connect(home.endpoints["database_url"]) as connection:
        connection.execute(insert, [name])
        with pytest.raises(psycopg.errors.UniqueViolation, match=name), connection.transaction():
            connection.execute(insert, [name])
        connection.rollback()
    log = home.folder / "log" / "postgres.log"
    assert wait_for(lambda: "duplicate key" in log.read_text(), seconds=10)
    assert name not in log.read_text()


def test_statements_of_other_roles_are_hidden(home: RunningHome, connection: psycopg.Connection) -> None:
    """A function can't see the statements of other roles, which may contain values."""
    queries = connection.execute(
        "select query from pg_stat_activity where usename <> current_user"
    ).fetchall()
    assert {row[0] for row in queries} <= {"<insufficient privilege>"}
