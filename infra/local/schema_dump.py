"""A schema as SQL, with the names of its migrations.

At each release ``python -m infra.local.schema_dump "$DATABASE_URL"`` prints it for the tests of upgrades.
"""

import sys

from infra.local.postgres_client import WITHOUT_ROLES, run_client


def schema_dump(url: str) -> str:
    """The tables, views, functions and triggers as SQL, and the rows of schema_migration."""
    schema = run_client("pg_dump", url, "--schema-only", *WITHOUT_ROLES, "--schema=public")
    names = run_client("pg_dump", url, "--data-only", "--inserts", "--table=schema_migration")
    lines = (schema + names).splitlines()
    # Lines with a backslash are commands to psql and not SQL; the schema public exists in every database.
    kept = [line for line in lines if not line.startswith(("\\", "--")) and "SCHEMA public" not in line]
    return "\n".join(line for line in kept if line) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_dump(sys.argv[1]))
