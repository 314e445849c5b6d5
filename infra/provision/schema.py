"""Setup of the database: numbered migrations, views, and one role for each function."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, sql

from common.errors import DependencyAwayError
from infra.provision.function_card import FunctionCard, function_cards

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
MIGRATIONS = _HERE / "migrations"
# Views and functions, each file beside the code that uses it; run in this order after every migration.
_SCHEMA_FILES = (
    _HERE / "drop_views.sql",
    _ROOT / "common/ledger/schema.sql",
    _ROOT / "infra/health/schema.sql",
    _ROOT / "functions/sweep/schema.sql",
    _ROOT / "functions/extract/schema.sql",
    _ROOT / "functions/store_metadata/schema.sql",
    _ROOT / "functions/quality/schema.sql",
    _ROOT / "training_set/schema.sql",
    _ROOT / "functions/annotations/schema.sql",
)
_LOCK_TIMEOUT = "1s"
_TRIES, _PAUSE_SECONDS = 60, 0.5

# By default every role may call these.
_LARGE_OBJECT_WRITERS = (
    "lo_create(oid)", "lo_creat(integer)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)",
    "lo_open(oid, integer)", "lowrite(integer, bytea)", "lo_unlink(oid)",
)  # fmt: skip
# A session that hangs must free its locks. poll_nas holds its lock while it waits for the NAS, for minutes.
_ROLE_SETTINGS = {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "2h"}


def migrate(url: str, *, migrations: Path = MIGRATIONS) -> list[str]:
    """Upgrade the schema of a database to this version, also under load; returns the applied migrations.

    Each migration is one transaction. If it does not get its locks within a second, it is rolled back so
    that other sessions continue, and then tried again. Raises DependencyAwayError if it never gets them.
    """
    applied: list[str] = []
    for _ in range(_TRIES):
        try:
            with psycopg.connect(url) as connection:
                while name := _next_applied(connection, migrations):
                    applied.append(name)
                    connection.commit()
                for path in _SCHEMA_FILES:
                    connection.execute(_text(path))
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            time.sleep(_PAUSE_SECONDS)
        else:
            return applied
    raise DependencyAwayError("The schema could not be changed: another session holds locks on its tables.")


def _next_applied(connection: Connection, migrations: Path) -> str | None:
    """Apply the first migration that is not applied yet; None if there is none."""
    # A session that waits for the lock of a table blocks every later session too.
    connection.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
    connection.execute("select pg_advisory_xact_lock(hashtext('dcm2set migrate'))")
    connection.execute(
        "create table if not exists schema_migration "
        "(name text primary key, applied_at timestamptz not null default now())"
    )
    known = {row[0] for row in connection.execute("select name from schema_migration")}
    path = next((path for path in sorted(migrations.glob("*.sql")) if path.stem not in known), None)
    if path is None:
        return None
    connection.execute(_text(path))
    connection.execute("insert into schema_migration (name) values (%s)", [path.stem])
    return path.stem


def set_label_rule(url: str, rule: str, uncertain: str) -> None:
    """Set how the view `current_label` makes one label of the labels of several annotators."""
    with psycopg.connect(url) as connection:
        connection.execute("update label_rule set rule = %s, uncertain = %s", [rule, uncertain])


def can_create_roles(url: str) -> bool:
    """Whether this database user may create roles, one for each function."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone()
        return bool(row and row[0])


def create_roles(url: str, passwords: dict[str, str]) -> dict[str, str]:
    """Create a role for each function with the rights of its card; returns the role names by function.

    Afterwards only the owner of the database and these roles can connect to it.
    """
    with psycopg.connect(url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('dcm2set migrate'))")
        database = connection.info.dbname
        roles = {card.function: f"{database}_{card.function}" for card in function_cards()}
        _revoke_public_rights(connection, database)
        _protect_ledger(connection)
        for card in function_cards():
            _create_role(connection, roles[card.function], passwords[card.function])
            _grant(connection, card, roles[card.function], database)
        return roles


def _revoke_public_rights(connection: Connection, database: str) -> None:
    """Revoke what Postgres grants to public: connecting, temporary tables, new tables, large objects."""
    name = sql.Identifier(database)
    connection.execute(sql.SQL("revoke all on database {} from public").format(name))
    connection.execute("revoke all on schema public from public")
    connection.execute("revoke execute on all functions in schema public from public")
    row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    if row and row[0]:  # only a superuser may revoke these
        for function in _LARGE_OBJECT_WRITERS:
            connection.execute(f"revoke execute on function {function} from public")


def close_other_databases(url: str) -> None:
    """On the home's own server, let only the operator connect to the databases that Postgres creates."""
    with psycopg.connect(url) as connection:
        connection.execute("revoke all on database postgres, template1 from public")


def _create_role(connection: Connection, role: str, password: str) -> None:
    known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
    verb = sql.SQL("alter role {} {} password {}" if known else "create role {} {} password {}")
    name, rights = sql.Identifier(role), sql.SQL("login nocreatedb nocreaterole noinherit")
    connection.execute(verb.format(name, rights, sql.Literal(password)))
    for setting, value in _ROLE_SETTINGS.items():
        chosen = sql.SQL("alter role {} set {} = {}")
        connection.execute(chosen.format(name, sql.Identifier(setting), sql.Literal(value)))


def _grant(connection: Connection, card: FunctionCard, role: str, database: str) -> None:
    """Grant exactly the rights of the card, whatever the role had before."""
    name = sql.Identifier(role)
    for kind in ("tables", "sequences", "functions"):
        revoke = sql.SQL("revoke all on all {} in schema public from {}")
        connection.execute(revoke.format(sql.SQL(kind), name))
    connection.execute(sql.SQL("revoke all on schema public from {}").format(name))
    connection.execute(sql.SQL("grant usage on schema public to {}").format(name))
    on_database = (sql.Identifier(database), name)
    connection.execute(sql.SQL("revoke all on database {} from {}").format(*on_database))
    connection.execute(sql.SQL("grant connect on database {} to {}").format(*on_database))
    if card.access.get("temporary_tables"):
        connection.execute(sql.SQL("grant temporary on database {} to {}").format(*on_database))
    for table, rights in card.tables.items():
        # The rights come from the trigger files of dcm2set, never from input.
        grant = sql.SQL("grant {} on {} to {}")
        trusted = sql.SQL(rights)
        connection.execute(grant.format(trusted, sql.Identifier(table), name))
    for function in card.access.get("calls", ()):
        connection.execute(
            sql.SQL("grant execute on function {} to {}").format(sql.Identifier(function), name)
        )


def _protect_ledger(connection: Connection) -> None:
    """Set row security: functions use their own rows and announce items of some others; sweep reads all."""
    connection.execute("alter table ledger_item enable row level security")
    for name, condition in (
        ("own_rows", "current_user = current_database() || '_' || function"),
        ("sweep_reads", "current_user = current_database() || '_sweep'"),
    ):
        verb = "for select" if name == "sweep_reads" else "for all"
        connection.execute(sql.SQL("drop policy if exists {} on ledger_item").format(sql.Identifier(name)))
        policy = f"create policy {name} on ledger_item {verb} using ({condition})"
        connection.execute(policy)
    connection.execute("drop policy if exists announced on ledger_item")
    connection.execute(
        sql.SQL(
            "create policy announced on ledger_item for insert "
            "with check (state = 'retry' and attempts = 0 and ({}))"
        ).format(sql.SQL(" or ").join(_announcements()))
    )


def _announcements() -> Iterator[sql.Composed]:
    """For each function that announces items, the condition with the functions it may announce them for."""
    for card in function_cards():
        if others := card.access.get("announces"):
            condition = "current_user = current_database() || {} and function = any({})"
            yield sql.SQL(condition).format(sql.Literal(f"_{card.function}"), sql.Literal(others))


def _text(path: Path) -> LiteralString:
    return path.read_text(encoding="utf-8")
