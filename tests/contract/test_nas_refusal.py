"""The contract of refused accounts, in one process and in Postgres."""

import pytest

from common.database import Database
from common.errors import DependencyAwayError, SettingsError
from common.nas.login_refusal import PostgresRefusals, ProcessRefusals, Refusals

WRONG, CORRECTED = b"poller Marker-of-a-password", b"poller another"


@pytest.fixture
def refusals(real_database: Database | None) -> Refusals:
    return ProcessRefusals() if real_database is None else PostgresRefusals(real_database)


def _refused(refusals: Refusals, account: bytes) -> None:
    with pytest.raises(SettingsError, match="wrong one"), refusals.login_attempt(account):
        raise SettingsError("The wrong one.")


def test_refused_account_is_not_tried_again(refusals: Refusals) -> None:
    """After a refusal the login is not tried, and the cause is raised again."""
    _refused(refusals, WRONG)
    tried = []
    with (
        pytest.raises(SettingsError, match=r"The wrong one\. It is not tried again"),
        refusals.login_attempt(WRONG),
    ):
        tried.append(WRONG)
    assert [] == tried


def test_other_settings_are_tried(refusals: Refusals) -> None:
    """Another password counts as another account."""
    _refused(refusals, WRONG)
    with refusals.login_attempt(CORRECTED):
        pass


def test_temporary_failure_is_not_a_refusal(refusals: Refusals) -> None:
    """A login to a NAS that is away is tried again."""
    for _ in range(2):
        with pytest.raises(DependencyAwayError, match="away"), refusals.login_attempt(WRONG):
            raise DependencyAwayError("It is away.")


def test_other_processes_know_of_a_refusal(database: Database) -> None:
    """An account refused in one process is tried by no other process, also by one that starts later."""
    _refused(PostgresRefusals(database), WRONG)
    other = PostgresRefusals(database)
    with pytest.raises(SettingsError, match="not tried again"), other.login_attempt(WRONG):
        raise AssertionError
    assert 1 == other.forget()
    with other.login_attempt(WRONG):
        pass


def test_success_ends_refusals(database: Database) -> None:
    """A successful login deletes the refusals."""
    refusals = PostgresRefusals(database)
    _refused(refusals, WRONG)
    with refusals.login_attempt(CORRECTED):
        pass
    assert [] == database.all("select * from nas_refusal")


def test_one_login_at_a_time(database: Database) -> None:
    """While one process logs in, no other does, so that a wrong password is tried once."""
    first, second = PostgresRefusals(database), PostgresRefusals(database)
    with (
        first.login_attempt(WRONG),
        pytest.raises(DependencyAwayError, match="Another process is logging in"),
        second.login_attempt(WRONG),
    ):
        raise AssertionError


def test_account_is_not_stored(database: Database) -> None:
    """The table has no part of the account, and a different digest each time."""
    for _ in range(2):
        _refused(PostgresRefusals(database), WRONG)
        PostgresRefusals(database).forget()
    _refused(PostgresRefusals(database), WRONG)
    _refused(PostgresRefusals(database), CORRECTED)
    rows = database.all("select * from nas_refusal")
    assert 2 == len({bytes(row["digest"]) for row in rows})
    assert "Marker" not in str(rows)
    assert b"Marker" not in b"".join(bytes(row["digest"]) for row in rows)
