"""The database's schema: numbered migrations, views, and one role a function."""

from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, sql

import common
from infra.function_card import FunctionCard, function_cards

_SQL = Path(common.__file__).with_name("sql")


def migrate(url: str) -> list[str]:
    """Bring a database forward to this version; returns the migrations applied now."""
    with psycopg.connect(url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('dcm2set migrate'))")
        connection.execute(
            "create table if not exists schema_migration "
            "(name text primary key, applied_at timestamptz not null default now())"
        )
        applied = {row[0] for row in connection.execute("select name from schema_migration")}
        pending = [path for path in sorted((_SQL / "migrations").glob("*.sql")) if path.stem not in applied]
        for path in pending:
            connection.execute(_text(path))
            connection.execute("insert into schema_migration (name) values (%s)", [path.stem])
        connection.execute(_text(_SQL / "views.sql"))
    return [path.stem for path in pending]


def set_label_rule(url: str, rule: str, uncertain: str) -> None:
    """How the view `current_label` makes one label of several annotators'."""
    with psycopg.connect(url) as connection:
        connection.execute("update label_rule set rule = %s, uncertain = %s", [rule, uncertain])


def can_create_roles(url: str) -> bool:
    """Whether this database user may give each function a role of its own."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone()
        return bool(row and row[0])


def create_roles(url: str, passwords: dict[str, str]) -> dict[str, str]:
    """A role for each function with what its card says; returns the role names by function."""
    with psycopg.connect(url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('dcm2set migrate'))")
        database = connection.info.dbname
        roles = {card.function: f"{database}_{card.function}" for card in function_cards()}
        _protect_ledger(connection)
        for card in function_cards():
            _create_role(connection, roles[card.function], passwords[card.function])
            _grant(connection, card, roles[card.function])
        return roles


def _create_role(connection: Connection, role: str, password: str) -> None:
    known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
    verb = sql.SQL("alter role {} login password {}" if known else "create role {} login password {}")
    connection.execute(verb.format(sql.Identifier(role), sql.Literal(password)))


def _grant(connection: Connection, card: FunctionCard, role: str) -> None:
    """Exactly the card's rights on tables, whatever the role had before."""
    name = sql.Identifier(role)
    everything = sql.SQL("revoke all on all tables in schema public from {}").format(name)
    connection.execute(everything)
    connection.execute(sql.SQL("grant usage on schema public to {}").format(name))
    for table, rights in card.access.get("tables", {}).items():
        # The rights come from our own trigger files, never from input.
        grant = sql.SQL("grant {} on {} to {}")
        trusted = sql.SQL(rights)
        connection.execute(grant.format(trusted, sql.Identifier(table), name))


def _protect_ledger(connection: Connection) -> None:
    """Each function sees its own rows of the ledger; sweep sees every function's."""
    connection.execute("alter table ledger_item enable row level security")
    for name, condition in (
        ("own_rows", "current_user = current_database() || '_' || function"),
        ("sweep_reads", "current_user = current_database() || '_sweep'"),
    ):
        verb = "for select" if name == "sweep_reads" else "for all"
        connection.execute(sql.SQL("drop policy if exists {} on ledger_item").format(sql.Identifier(name)))
        policy = f"create policy {name} on ledger_item {verb} using ({condition})"
        connection.execute(policy)


def _text(path: Path) -> LiteralString:
    return path.read_text(encoding="utf-8")
