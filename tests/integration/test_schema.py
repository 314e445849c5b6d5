"""The schema on a real server."""

import shutil
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from common.database import Database
from common.ledger.ledger import Claim, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from infra.provision.schema import MIGRATIONS, migrate
from infra.provision.schema_dump import schema_dump
from tests.integration.test_line import image_rows
from tests.support.local_home import RunningHome, wait_for
from tests.support.own_database import create_database, drop_database
from tests.support.real_files import make_instance

_UNCOMMENTED = """
select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migration'
    and not a.attisdropped
    and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
"""


@pytest.fixture
def database(home: RunningHome):
    """A database of the test's own."""
    url = create_database(home.endpoints["database_url"])
    yield url
    drop_database(home.endpoints["database_url"], url)


def test_every_table_and_column_has_a_comment(home: RunningHome) -> None:
    """Whoever opens the database is told what each table and column holds."""
    assert [] == home.rows(_UNCOMMENTED)


def test_migrating_twice_changes_nothing(database: str) -> None:
    """A second migration finds nothing to do."""
    assert ["0001_first"] == migrate(database)
    assert [] == migrate(database)


_LATER = """
alter table ledger_item add column of_a_later_version text;
create index of_a_later_version on ledger_item (of_a_later_version) where of_a_later_version is not null;
alter table extraction add column of_a_later_version int not null default 1;
create view item_of_a_later_version as select id, of_a_later_version from ledger_item;
"""


def released_schemas() -> list[Path]:
    """Dumps of every released version's schema, each made at its release."""
    return sorted((Path(__file__).parent / "schemas").glob("*.sql"))


@pytest.mark.parametrize("released", [None, *released_schemas()])
def test_a_migration_under_load_stops_nobody(database: str, tmp_path: Path, released: Path | None) -> None:
    """While workers of this version claim and settle, the schema of a later one comes; none fails."""
    migrate(database)
    schema = released.read_text(encoding="utf-8") if released else schema_dump(database)
    with psycopg.connect(database) as connection:
        connection.execute("drop schema public cascade; create schema public")
        connection.execute(schema.encode())
    migrate(database)
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    (tmp_path / "migrations" / "9999_later.sql").write_text(_LATER)
    is_over, settled, failures = Event(), [0, 0, 0], []
    pool = Database(database, connections=4)
    workers = [Thread(target=_work, args=(pool, number, is_over, settled, failures)) for number in range(3)]
    for worker in workers:
        worker.start()
    try:
        assert wait_for(lambda: min(settled) > 5, seconds=60), failures
        assert ["9999_later"] == migrate(database, migrations=tmp_path / "migrations")
        before = list(settled)
        assert wait_for(lambda: all(a > b + 5 for a, b in zip(settled, before, strict=True)), seconds=60), (
            failures
        )
    finally:
        is_over.set()
        for worker in workers:
            worker.join()
        pool.close()
    assert [] == failures
    with psycopg.connect(database, row_factory=dict_row) as connection:
        told = connection.execute("select * from balance").fetchone()
        assert told == connection.execute("select * from balance_recount").fetchone()
    assert (sum(settled), 0) == (told["files_found"], told["files_difference"])


def _work(pool: Database, number: int, is_over: Event, settled: list[int], failures: list[str]) -> None:
    ledger = PostgresLedger(pool, function="extract")
    while not is_over.is_set():
        version = ObjectVersion(Location("raw", f"incoming/{number}/{settled[number]}"), "e", 1)
        try:
            claim = ledger.claim(version, lease_seconds=60)
            assert isinstance(claim, Claim)
            assert ledger.settle(claim, Settlement(State.DONE, outcome="skipped"))
            pool.one("select count_settled(100)")
        except Exception as error:  # noqa: BLE001 told by the test
            failures.append(f"{type(error).__name__}: {error}")
            return
        settled[number] += 1


def test_a_migration_that_gets_no_lock_lets_the_workers_pass(database: str, tmp_path: Path) -> None:
    """While something holds a table, the migration tries again and again, and is done once it may."""
    migrate(database)
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    (tmp_path / "migrations" / "9999_later.sql").write_text(_LATER)
    done: list[str] = []
    with psycopg.connect(database) as holder:
        holder.execute("select from ledger_item")
        migration = Thread(target=lambda: done.extend(migrate(database, migrations=tmp_path / "migrations")))
        migration.start()
        pool = Database(database)
        try:
            for number in range(3):  # each waits behind the migration at most until its timeout
                version = ObjectVersion(Location("raw", f"incoming/{number}"), "e", 1)
                claim = PostgresLedger(pool, function="extract").claim(version, lease_seconds=60)
                assert isinstance(claim, Claim)
        finally:
            pool.close()
        assert [] == done
        holder.rollback()
        migration.join(timeout=60)
    assert ["9999_later"] == done


@pytest.mark.parametrize("may_create_roles", [True, False])
def test_a_database_of_the_users_own(start_home, database: str, may_create_roles: bool) -> None:
    """With DATABASE_URL set no server is started; functions get own roles if the user may make them."""
    url = database if may_create_roles else _owned_by_a_plain_user(database)
    home = start_home(DATABASE_URL=url)
    assert [] == home.processes("postgres")
    home.put("incoming/own.dcm", make_instance(1, patient=501))
    item = home.settled("extract", "incoming/own.dcm")
    assert "good" == image_rows(home, item["sop_instance_uid"], 1)[0]["verdict"]
    home.wait_until_idle()
    assert may_create_roles == (home.function_environment("quality")["DATABASE_URL"] != url)
    home.end()


def _owned_by_a_plain_user(url: str) -> str:
    """Give the database to a new user without any other right."""
    name = conninfo_to_dict(url)["dbname"]
    user = f"{name}_plain"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login password 'plain'").format(sql.Identifier(user)))
        owner = sql.SQL("alter database {} owner to {}")
        connection.execute(owner.format(sql.Identifier(name), sql.Identifier(user)))
    return make_conninfo(url, user=user, password="plain")
