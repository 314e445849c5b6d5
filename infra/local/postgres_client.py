"""Runs Postgres' client programs, such as pg_dump."""

import os
import subprocess

from psycopg.conninfo import conninfo_to_dict

from common.errors import SettingsError
from infra.local.postgres_server import binary

WITHOUT_ROLES = ("--no-owner", "--no-acl", "--no-policies")
"""Arguments of pg_dump and pg_restore: nothing that names a role, since another server has other ones."""
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}


def run_client(program: str, url: str, *arguments: str) -> str:
    """Run a client program of Postgres and return its output.

    The password is passed in the environment, because every user can see the arguments of a process.
    Raises SettingsError if the program fails, without its own message, which may contain values of rows.
    """
    parts = conninfo_to_dict(url)
    variables = {name: str(parts[key]) for key, name in _VARIABLES.items() if parts.get(key) is not None}
    command = [binary(program), *arguments]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SettingsError(
            f"{program} failed with exit code {done.returncode}; is the server of another version?"
        )
    return done.stdout
