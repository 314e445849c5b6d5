"""The contract of refused accounts, in one process and in Postgres."""

import pytest

from common.database import Database
from common.errors import DependencyAwayError, SettingsError
from common.nas.login_refusal import PostgresRefusals, ProcessRefusals, Refusals
from tests.contract.conftest import KINDS

WRONG, MENDED = b"poller Marker-of-a-password", b"poller another"


@pytest.fixture(params=KINDS)
def refusals(request: pytest.FixtureRequest) -> Refusals:
    if request.param == "memory":
        return ProcessRefusals()
    return PostgresRefusals(request.getfixturevalue("database"))


def _refused(refusals: Refusals, account: bytes) -> None:
    with pytest.raises(SettingsError, match="wrong one"), refusals.one_try(account):
        raise SettingsError("The wrong one.")


def test_refused_account_is_not_tried_again(refusals: Refusals) -> None:
    """After a refusal the cause is told, and nothing is done."""
    _refused(refusals, WRONG)
    tried = []
    with pytest.raises(SettingsError, match=r"The wrong one\. It was tried once"), refusals.one_try(WRONG):
        tried.append(WRONG)
    assert [] == tried


def test_other_settings_are_tried(refusals: Refusals) -> None:
    """Another password is another account."""
    _refused(refusals, WRONG)
    with refusals.one_try(MENDED):
        pass


def test_passing_failure_is_no_refusal(refusals: Refusals) -> None:
    """A NAS that is away may be asked again."""
    for _ in range(2):
        with pytest.raises(DependencyAwayError, match="away"), refusals.one_try(WRONG):
            raise DependencyAwayError("It is away.")


def test_other_processes_know_of_it(database: Database) -> None:
    """What one process was refused no other tries, whether it runs or starts later."""
    _refused(PostgresRefusals(database), WRONG)
    other = PostgresRefusals(database)
    with pytest.raises(SettingsError, match="tried once"), other.one_try(WRONG):
        raise AssertionError
    assert 1 == other.forget()
    with other.one_try(WRONG):
        pass


def test_success_ends_refusals(database: Database) -> None:
    """An account that gets in leaves no refusal behind."""
    refusals = PostgresRefusals(database)
    _refused(refusals, WRONG)
    with refusals.one_try(MENDED):
        pass
    assert [] == database.all("select * from nas_refusal")


def test_no_two_try_at_a_time(database: Database) -> None:
    """While one process logs in no other does, so that a wrong password is tried once."""
    first, second = PostgresRefusals(database), PostgresRefusals(database)
    with (
        first.one_try(WRONG),
        pytest.raises(DependencyAwayError, match="Another process is logging in"),
        second.one_try(WRONG),
    ):
        raise AssertionError


def test_nothing_of_the_account_is_stored(database: Database) -> None:
    """The table tells neither the account nor the same digest twice."""
    for _ in range(2):
        _refused(PostgresRefusals(database), WRONG)
        PostgresRefusals(database).forget()
    _refused(PostgresRefusals(database), WRONG)
    _refused(PostgresRefusals(database), MENDED)
    rows = database.all("select * from nas_refusal")
    assert 2 == len({bytes(row["digest"]) for row in rows})
    assert "Marker" not in str(rows)
    assert b"Marker" not in b"".join(bytes(row["digest"]) for row in rows)
