"""The schema of the database, on a real server."""

import shutil
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from psycopg.rows import dict_row

from common.database import Database
from common.errors import SettingsError
from common.ledger.ledger import Claim, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from infra.local.schema_dump import schema_dump
from infra.provision.schema import MIGRATIONS, migrate
from tests.support.local_home import RunningHome, wait_for

_UNCOMMENTED = """
select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migration'
    and not a.attisdropped
    and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
"""


def test_every_table_and_column_has_a_comment(home: RunningHome) -> None:
    """A comment on each table and column says what it contains."""
    assert [] == home.rows(_UNCOMMENTED)


def test_migrating_twice_changes_nothing(empty_database: str) -> None:
    """A second migration finds nothing to do."""
    assert [path.stem for path in sorted(MIGRATIONS.glob("*.sql"))] == migrate(empty_database)
    assert [] == migrate(empty_database)


def test_an_older_version_refuses_a_newer_database(empty_database: str, tmp_path: Path) -> None:
    """A version that does not know the last migration changes nothing, and says what to do."""
    migrate(empty_database, migrations=_with_later_migration(tmp_path))
    with pytest.raises(SettingsError, match=r"newer version.*9999_later.*restore the backup"):
        migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("select from item_of_a_later_version")


_LATER = """
alter table ledger_item add column of_a_later_version text;
create index of_a_later_version on ledger_item (of_a_later_version) where of_a_later_version is not null;
alter table extraction add column of_a_later_version int not null default 1;
create view item_of_a_later_version as select id, of_a_later_version from ledger_item;
"""


def released_schemas() -> list[Path]:
    """The dumps of the schemas of all released versions."""
    return sorted((Path(__file__).parent / "schemas").glob("*.sql"))


@pytest.mark.parametrize("released", [None, *released_schemas()])
def test_a_migration_under_load_blocks_no_worker(
    empty_database: str, tmp_path: Path, released: Path | None
) -> None:
    """While workers of this version claim and settle, a later migration is applied, and no worker fails."""
    migrate(empty_database)
    if released is not None:
        _replace_schema(empty_database, released.read_text(encoding="utf-8"))
    else:
        _replace_schema(empty_database, schema_dump(empty_database))
    migrate(empty_database)
    migrations = _with_later_migration(tmp_path)
    ended, settled, failures = Event(), [0, 0, 0], []
    pool = Database(empty_database, connections=4)
    workers = [Thread(target=_work, args=(pool, number, ended, settled, failures)) for number in range(3)]
    for worker in workers:
        worker.start()
    try:
        assert wait_for(lambda: min(settled) > 5, seconds=60), failures
        assert ["9999_later"] == migrate(empty_database, migrations=migrations)
        before = list(settled)
        assert wait_for(lambda: all(a > b + 5 for a, b in zip(settled, before, strict=True)), seconds=60), (
            failures
        )
    finally:
        ended.set()
        for worker in workers:
            worker.join()
        pool.close()
    assert [] == failures
    with psycopg.connect(empty_database, row_factory=dict_row) as connection:
        balance = connection.execute("select * from balance").fetchone()
        assert balance == connection.execute("select * from balance_recount").fetchone()
    assert (sum(settled), 0) == (balance["files_found"], balance["files_difference"])


def _replace_schema(url: str, schema: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("drop schema public cascade; create schema public")
        connection.execute(schema.encode())


def _with_later_migration(folder: Path) -> Path:
    """A copy of the migrations, with one of a later version."""
    migrations = folder / "migrations"
    shutil.copytree(MIGRATIONS, migrations)
    (migrations / "9999_later.sql").write_text(_LATER)
    return migrations


def _work(pool: Database, number: int, ended: Event, settled: list[int], failures: list[str]) -> None:
    ledger = PostgresLedger(pool, function="extract")
    while not ended.is_set():
        version = ObjectVersion(Location("raw", f"incoming/{number}/{settled[number]}"), "e", 1)
        try:
            claim = ledger.claim(version, lease_seconds=60)
            assert isinstance(claim, Claim)
            assert ledger.settle(claim, Settlement(State.DONE, outcome="skipped"))
            pool.one("select count_settled(100)")
        except Exception as error:  # noqa: BLE001 the test reports it
            failures.append(f"{type(error).__name__}: {error}")
            return
        settled[number] += 1


def test_a_migration_without_a_lock_lets_workers_continue(empty_database: str, tmp_path: Path) -> None:
    """While a session holds a lock, the migration is tried again and again, until it gets its locks."""
    migrate(empty_database)
    migrations = _with_later_migration(tmp_path)
    done: list[str] = []
    with psycopg.connect(empty_database) as holder:
        holder.execute("select from ledger_item")
        migration = Thread(target=lambda: done.extend(migrate(empty_database, migrations=migrations)))
        migration.start()
        pool = Database(empty_database)
        try:
            for number in range(3):  # each waits for the migration, at most until its timeout
                version = ObjectVersion(Location("raw", f"incoming/{number}"), "e", 1)
                claim = PostgresLedger(pool, function="extract").claim(version, lease_seconds=60)
                assert isinstance(claim, Claim)
        finally:
            pool.close()
        assert [] == done
        holder.rollback()
        migration.join(timeout=60)
    assert ["9999_later"] == done
