"""A schema as SQL, with the names of its migrations: kept at each release for the tests of upgrades."""

import os
import subprocess
import sys

from psycopg.conninfo import conninfo_to_dict

from common.errors import SettingsError
from infra.local.postgres_server import binary

_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}


def run_client(program: str, url: str, *words: str) -> str:
    """The output of a program of Postgres; the password is in its environment, not in its command.

    Raises SettingsError if it fails, without its text, which may quote values.
    """
    given = conninfo_to_dict(url)
    variables = {name: str(given[key]) for key, name in _VARIABLES.items() if given.get(key) is not None}
    command = [binary(program), *words]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SettingsError(
            f"{program} failed with exit code {done.returncode}; does the server's version fit?"
        )
    return done.stdout


def schema_dump(url: str) -> str:
    """Tables, views, functions and triggers, and the rows of schema_migration."""
    schema = run_client("pg_dump", url, "--schema-only", "--no-owner", "--no-acl", "--schema=public")
    names = run_client("pg_dump", url, "--data-only", "--inserts", "--table=schema_migration")
    lines = (schema + names).splitlines()
    # Commands to psql are no SQL; the schema public is there in every database.
    kept = [line for line in lines if not line.startswith(("\\", "--")) and "SCHEMA public" not in line]
    return "\n".join(line for line in kept if line) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_dump(sys.argv[1]))
