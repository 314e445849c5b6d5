"""The time limit of a database client also ends its statement on the server."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from psycopg import Cursor

from common.database import Database, Row
from common.errors import DependencyAwayError
from functions.annotations.storage.import_steps import Steps
from tests.contract.label_imports import KEY, LabelFiles
from tests.contract.tables import Tables
from tests.support.local_home import wait_for
from tests.support.repository import ROOT

LIMIT_SECONDS = 1.0


@pytest.fixture
def impatient(database_url: str) -> Iterator[Database]:
    """A client that waits a second for an answer."""
    with closing(Database(database_url, answer_seconds=LIMIT_SECONDS)) as client:
        yield client


def _running(database: Database, marker: str) -> int:
    """The statements with a text that run on the server, beside this one."""
    row = database.one(
        "select count(*) as number from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() "
        "and query like '%%' || %(marker)s || '%%'",
        marker=marker,
    )
    return int(row["number"]) if row else 0


def _import_begins(cursor: Cursor[Row]) -> None:
    Steps(cursor, lambda: None)("set_work_mem")


def _copies(cursor: Cursor[Row]) -> None:
    step = Steps(cursor, lambda: None)
    step("create_staged")
    step.copy("copy_staged", [])


def _execute(client: Database, statement: str, before: Callable[[Cursor[Row]], None] | None) -> None:
    if before is None:
        client.run(statement)  # type: ignore[arg-type]
        return
    with client.transaction() as cursor:
        before(cursor)
        cursor.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize("before", [None, _import_begins, _copies])
def test_a_statement_ends_with_the_patience_of_its_client(
    database: Database, impatient: Database, before: Callable[[Cursor[Row]], None] | None
) -> None:
    """When a client has given up, its statement does not run on: outside a transaction, and in an import."""
    marker = f"marker_{secrets.token_hex(8)}"
    statement = f"select pg_sleep(600) /* {marker} */"
    with pytest.raises(DependencyAwayError):
        _execute(impatient, statement, before)
    assert wait_for(lambda: not _running(database, marker), seconds=20)


@pytest.mark.parametrize("table", ["label", "label_import", "image_allocation"])
def test_an_import_that_waits_for_a_lock_ends_with_its_client(
    database: Database, impatient: Database, table: str
) -> None:
    """Also a COPY, which has more time to receive its rows, does not wait for a lock any longer."""
    tables = Tables(database)
    tables.allocate(1)
    labels = LabelFiles(Tables(impatient))
    with database.transaction() as blocking:
        blocking.execute(f"lock table {table} in access exclusive mode")  # type: ignore[arg-type]
        with pytest.raises(DependencyAwayError):
            labels.import_rows(f"{KEY},a,1")
        assert wait_for(lambda: not _waiting(database), seconds=20)
    assert 1 == LabelFiles(tables).import_rows(f"{KEY},a,1").accepted


def _waiting(database: Database) -> int:
    """The sessions that wait for a lock."""
    row = database.one("select count(*) as number from pg_stat_activity where wait_event_type = 'Lock'")
    return int(row["number"]) if row else 0


def test_no_function_gives_a_statement_another_limit() -> None:
    """Only the copies of an import set a limit of their own, and set it back."""
    files = [*(ROOT / "functions").rglob("*.sql"), *(ROOT / "common").rglob("*.sql")]
    assert {"label_rows.sql"} == {path.name for path in files if "statement_timeout" in path.read_text()}
    text = (ROOT / "functions/annotations/storage/label_rows.sql").read_text()
    assert 3 == text.count("statement_timeout")
