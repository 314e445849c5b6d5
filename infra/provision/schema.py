"""Setup of the database: numbered migrations, then the views and functions of their owners."""

import time
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, sql

from common.database import connect
from common.errors import DependencyAwayError, SettingsError

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
MIGRATIONS = _HERE / "migrations"
# Views and functions, each file beside the code that uses it; run in this order after every migration.
_SCHEMA_FILES = (
    _HERE / "drop_views.sql",
    _ROOT / "common/ledger/schema.sql",
    _ROOT / "infra/health/schema.sql",
    _ROOT / "functions/sweep/schema.sql",
    _ROOT / "common/reconcile/schema.sql",
    _ROOT / "functions/extract/schema.sql",
    _ROOT / "functions/store_metadata/schema.sql",
    _ROOT / "functions/quality/schema.sql",
    _ROOT / "training_set/schema.sql",
    _ROOT / "functions/annotations/schema.sql",
)
# Shorter than deadlock_timeout (1s), so that in a deadlock the migration yields and not a worker.
_LOCK_TIMEOUT = "300ms"
_TRIES, _PAUSE_SECONDS = 60, 0.5


def migrate(url: str, *, migrations: Path = MIGRATIONS) -> list[str]:
    """Upgrade the schema of a database to this version, also under load; returns the applied migrations.

    Each migration is one transaction. If it does not get its locks soon, it is rolled back so
    that other sessions continue, and then tried again. Raises DependencyAwayError if it never gets them, and
    SettingsError if a newer version has migrated the database: views of this version would replace its views.
    """
    applied: list[str] = []
    for _ in range(_TRIES):
        try:
            with connect(url) as connection:
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
    own = sorted(migrations.glob("*.sql"))
    if newer := [name for name in known if name > own[-1].stem]:
        raise SettingsError(
            f"A newer version of dcm2set has set up this database (migration {max(newer)}): install that "
            "version, or restore the backup from before the upgrade."
        )
    path = next((path for path in own if path.stem not in known), None)
    if path is None:
        return None
    connection.execute(_text(path))
    connection.execute("insert into schema_migration (name) values (%s)", [path.stem])
    return path.stem


def set_label_rule(url: str, rule: str, uncertain: str) -> None:
    """Set how the view `current_label` makes one label of the labels of several annotators."""
    with connect(url) as connection:
        connection.execute("update label_rule set rule = %s, uncertain = %s", [rule, uncertain])


def _text(path: Path) -> LiteralString:
    return path.read_text(encoding="utf-8")
