"""The database's roles: one for each function, with the rights that its card names."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import LiteralString

from psycopg import Connection, sql

from common.database import SESSION_SETTINGS, connect
from infra.provision.function_card import FunctionCard, function_cards

# By default every role may call these.
_LARGE_OBJECT_WRITERS = (
    "lo_create(oid)", "lo_creat(integer)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)",
    "lo_open(oid, integer)", "lowrite(integer, bytea)", "lo_unlink(oid)",
)  # fmt: skip
# A session that hangs must free its locks. poll_nas holds its lock while it waits for the NAS, for minutes.
# Behind a pooler in transaction mode a function can't choose the settings of the session that it is given.
_ROLE_SETTINGS = {
    **SESSION_SETTINGS,
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "2h",
}


def can_create_roles(url: str) -> bool:
    """Whether this database user may create roles, one for each function."""
    with connect(url) as connection:
        row = connection.execute(
            "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone()
        return bool(row and row[0])


def create_roles(url: str, passwords: dict[str, str]) -> dict[str, str]:
    """Create a role for each function with the rights of its card; returns the role names by function.

    Afterwards only the owner of the database and these roles can connect to it.
    """
    with connect(url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('dcm2set migrate'))")
        database = connection.info.dbname
        roles = {card.function: f"{database}_{card.function}" for card in function_cards()}
        _revoke_public_rights(connection, database)
        for card in function_cards():
            _create_role(connection, roles[card.function], passwords[card.function])
            _grant(connection, card, roles[card.function], database)
        _protect_ledger(connection, roles)
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
    with connect(url) as connection:
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


def _protect_ledger(connection: Connection, roles: dict[str, str]) -> None:
    """Set row security: functions use their own rows and announce items of some others.

    sweep and review read all rows, and review changes those that nobody works on. Each policy is for one
    role and compares columns with constants, so that the planner knows how many rows it leaves. It expected
    one row of conditions that compared the name of the role, and sorted all that was due for each claim.
    """
    connection.execute("alter table ledger_item enable row level security")
    known = connection.execute("select polname from pg_policy where polrelid = 'ledger_item'::regclass")
    for (name,) in known.fetchall():
        connection.execute(sql.SQL("drop policy {} on ledger_item").format(sql.Identifier(name)))
    for policy in _policies():
        connection.execute(
            sql.SQL("create policy {} on ledger_item for {} to {} {}").format(
                sql.Identifier(policy.name),
                sql.SQL(policy.command),
                sql.Identifier(roles[policy.function]),
                policy.condition,
            )
        )


@dataclass(frozen=True)
class _Policy:
    function: str
    name: str
    command: LiteralString
    condition: sql.Composable


def _policies() -> Iterator[_Policy]:
    everything = sql.SQL("using (true)")
    yield _Policy("sweep", "sweep_reads", "select", everything)
    yield _Policy("review", "review_reads", "select", everything)
    # The page can't change an item that a function works on. The row that it writes may be due again.
    idle = sql.SQL("using (state <> 'running') with check (true)")
    yield _Policy("review", "review_decides", "update", idle)
    for card in function_cards():
        own = sql.SQL("using (function = {})").format(sql.Literal(card.function))
        yield _Policy(card.function, f"{card.function}_own_rows", "all", own)
        if others := card.access.get("announces"):
            announced = sql.SQL("with check (state = 'retry' and attempts = 0 and function = any({}))")
            condition = announced.format(sql.Literal(others))
            yield _Policy(card.function, f"{card.function}_announces", "insert", condition)
