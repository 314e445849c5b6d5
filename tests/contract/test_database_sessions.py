"""Sessions set the forms of values themselves, and need no startup options."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from common.database import SESSION_SETTINGS, Database, connect
from common.errors import PipelineError, SettingsError
from infra.health import doctor_database
from infra.health.doctor_database import tried_values
from infra.provision.snapshot import read_snapshot
from tests.support.local_home import RunningHome
from tests.support.own_database import own_database
from tests.support.pgbouncer import pooled

_ODD = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
    "TimeZone": "Asia/Tokyo",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
}
_QUERY = """select timestamptz '2024-03-01 12:00Z' as time, interval '26 hours' as age,
    bytea '\\x5c01' as bytes, 0.1::float8 + 0.2 as number, '漢' as letter"""
_EXPECTED = ("2024-03-01T12:00:00+00:00", 26 * 3600, b"\\\1", 0.1 + 0.2, "漢")


@pytest.fixture(scope="module")
def odd_url(database_url: str) -> Iterator[str]:
    """A database whose sessions write values in other forms by default."""
    with own_database(database_url) as url:
        name = sql.Identifier(conninfo_to_dict(url)["dbname"])
        with psycopg.connect(url, autocommit=True) as connection:
            for setting, value in _ODD.items():
                change = sql.SQL("alter database {} set {} = {}")
                connection.execute(change.format(name, sql.Identifier(setting), sql.Literal(value)))
        yield url


def test_forms_of_values_do_not_depend_on_the_database(odd_url: str) -> None:
    """Functions, commands and snapshots read the same values, whatever the database writes by default."""
    with closing(Database(odd_url)) as database:
        rows = [database.one(_QUERY), database.one("show default_transaction_isolation")]
    with read_snapshot(odd_url) as snapshot:
        rows.append(snapshot.execute(_QUERY).fetchone())
    with connect(odd_url, row_factory=dict_row) as connection:
        connection.rollback()  # takes back only what was set in a transaction
        rows.append(connection.execute(_QUERY).fetchone())
    assert {"default_transaction_isolation": "read committed"} == rows.pop(1)
    for row in rows:
        assert row is not None
        found = (row["time"].isoformat(), row["age"].total_seconds(), row["bytes"], row["number"])
        assert _EXPECTED == (*found, row["letter"])


def test_statements_of_a_command_keep_the_time_limit_of_the_role(odd_url: str) -> None:
    """Only the pool of a function sets a limit."""
    limited = make_conninfo(odd_url, options="-c statement_timeout=4321")
    with connect(limited) as connection, closing(Database(odd_url, answer_seconds=7)) as database:
        assert ("4321ms",) == connection.execute("show statement_timeout").fetchone()
        assert {"statement_timeout": "7s"} == database.one("show statement_timeout")


def test_no_startup_options_are_needed(odd_url: str) -> None:
    """A pooler that refuses startup options is no obstacle to functions, commands and the doctor."""
    with pooled(odd_url) as (url, pooler):
        with closing(Database(url)) as database:
            row = database.one(_QUERY)
        assert row is not None
        assert _EXPECTED[3] == row["number"]
        assert tried_values(url).startswith("PostgreSQL ")
        assert 0 == pooler.refused


def test_behind_a_pooler_in_transaction_mode(odd_url: str) -> None:
    """Nothing is prepared on the server, whose sessions other clients get as well."""
    counted = "select count(*) as number from pg_prepared_statements"
    for prepares, expected in ((False, 0), (True, 1)):
        with closing(Database(odd_url, connections=1, prepares=prepares)) as database:
            for _ in range(7):  # the driver prepares what comes more than five times
                database.one("select 1 as same")
            assert {"number": expected} == database.one(counted)


def test_sessions_of_a_role_that_nobody_prepared(home: RunningHome) -> None:
    """A function's role has the right forms of values itself: a pooler hands out sessions of others."""
    url = home.function_environment("quality")["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        for setting, value in SESSION_SETTINGS.items():
            assert (value,) == connection.execute(f"show {setting}").fetchone()


def test_a_refused_startup_parameter_is_named(odd_url: str) -> None:
    """Functions and commands name the parameter that a pooler refuses, and what to do."""
    with pooled(make_conninfo(odd_url, options="-c timezone=UTC")) as (url, pooler):
        with closing(Database(url, timeout=0.5)) as database, pytest.raises(SettingsError) as of_function:
            database.ping()
        with pytest.raises(SettingsError) as of_command:
            connect(url)
        assert pooler.refused >= 2
    assert str(of_command.value) == str(of_function.value)
    assert "refuses the startup parameter options: remove it from DATABASE_URL" in str(of_command.value)


def _doctor(url: str, folder: Path) -> list[str]:
    """What `dcm2set doctor` says of Postgres."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", "doctor", "--home", str(folder / "home")],
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return [line for line in done.stdout.splitlines() if "Postgres:" in line]


def test_the_doctor_reads_a_value_of_every_type(odd_url: str, tmp_path: Path) -> None:
    """The doctor finds such a database good, and names a startup parameter that its pooler refuses."""
    (good,) = _doctor(odd_url, tmp_path)
    assert good.startswith("ok")
    with pooled(make_conninfo(odd_url, options="-c timezone=UTC")) as (url, _):
        (wrong,) = _doctor(url, tmp_path)
    assert wrong.startswith("WRONG")
    assert "refuses the startup parameter options" in wrong


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("DateStyle", r"timestamptz, timestamptz\[\]"),
        ("extra_float_digits", "real, float8"),
        ("IntervalStyle", "interval"),
    ],
)
def test_the_doctor_names_the_types_that_come_back_otherwise(
    odd_url: str, monkeypatch: pytest.MonkeyPatch, setting: str, named: str
) -> None:
    """A form that the session could not set is noticed."""

    def unheeded(url: str, *, autocommit: bool) -> "psycopg.Connection[tuple[object, ...]]":
        connection = connect(url, autocommit=autocommit)
        connection.execute("select set_config(%s, %s, false)", [setting, _ODD[setting]])
        return connection

    monkeypatch.setattr(doctor_database, "connect", unheeded)
    with pytest.raises(PipelineError, match=f"Values of {named} come back otherwise"):
        tried_values(odd_url)
