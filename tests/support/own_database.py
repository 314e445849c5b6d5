"""Databases that a test or a benchmark makes on a running server."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from common.database import Database
from common.ledger.ledger import DatabaseCall
from infra.provision.function_card import function_cards
from infra.provision.pseudonym_space import Keys, enter_space
from infra.provision.roles import create_roles
from infra.provision.schema import migrate
from tests.support.factories import KEY


def create_database(operator: str) -> str:
    """Create an empty database; returns its URL. It is removed with the server's home."""
    name = f"own_{secrets.token_hex(6)}"
    _run(operator, sql.SQL("create database {}").format(sql.Identifier(name)))
    return make_conninfo(operator, dbname=name)


def create_migrated_database(operator: str) -> str:
    """Create a database with the schema of this version; returns its URL."""
    url = create_database(operator)
    migrate(url)
    enter_space(url, Keys(KEY, ()), who="test")
    return url


def function_urls(url: str) -> dict[str, str]:
    """Create the roles of a migrated database; returns the URL with which each function connects."""
    passwords = {card.function: secrets.token_hex() for card in function_cards()}
    roles = create_roles(url, passwords)
    return {name: make_conninfo(url, user=role, password=passwords[name]) for name, role in roles.items()}


def run_database_call(database: Database, call: DatabaseCall) -> None:
    """Make the function call that a settling statement would make."""
    database.run(f"select {call.call}", **call.values)


def key_check_of(database: Database) -> str:
    """The check value of the pseudonym key that a database belongs to."""
    row = database.one("select key_check from pseudonym_space order by number desc limit 1")
    assert row is not None
    return str(row["key_check"])


def drop_database(operator: str, url: str) -> None:
    """Drop a database and the roles that are named after it."""
    name = str(conninfo_to_dict(url)["dbname"])
    _run(operator, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    with psycopg.connect(operator, autocommit=True) as connection:
        found = connection.execute("select rolname from pg_roles where starts_with(rolname, %s)", [name])
        for (role,) in found.fetchall():
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@contextmanager
def own_database(operator: str) -> Iterator[str]:
    """Give the URL of a migrated database, which is dropped when the block ends."""
    url = create_migrated_database(operator)
    try:
        yield url
    finally:
        drop_database(operator, url)


def _run(operator: str, statement: sql.Composed) -> None:
    # A new connection for each statement, because tests may restart the server in between.
    with psycopg.connect(operator, autocommit=True) as connection:
        connection.execute(statement)
