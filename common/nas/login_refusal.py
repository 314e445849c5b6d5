"""Remembers accounts that the NAS refused, so that they are not tried again before the settings are fixed.

DSM blocks an address after a few failed logins, for everybody behind it. So refusals are stored in the
database, for later processes and replicas. Only a digest of the account is stored, never
the password.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from common.database import Database, queries
from common.errors import DependencyAwayError, SettingsError

_SQL = queries(Path(__file__).with_suffix(".sql"))
_NOT_RETRIED = "It is not tried again until the setting is fixed or `dcm2set nas check` can log in."


class Refusals(Protocol):
    """The accounts that were refused."""

    def login_attempt(self, account: bytes) -> AbstractContextManager[None]:
        """Allow one login at a time, and none with an account that was refused before.

        Raises SettingsError with the earlier cause for a refused account. A SettingsError in the block is
        stored as a refusal. A successful login ends all refusals.
        """


@dataclass
class ProcessRefusals(Refusals):
    """Refusals of one process, for commands that people run."""

    refused: bytes | None = None
    cause: str = ""

    @contextmanager
    def login_attempt(self, account: bytes) -> Iterator[None]:
        if account == self.refused:
            raise SettingsError(f"{self.cause} {_NOT_RETRIED}")
        try:
            yield
        except SettingsError as error:
            self.refused, self.cause = account, str(error)
            raise


class PostgresRefusals(Refusals):
    """Refusals of all processes and replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread_lock = Lock()

    @contextmanager
    def login_attempt(self, account: bytes) -> Iterator[None]:
        # Threads wait for each other at their own lock, so that no waiting thread holds a connection.
        with self._thread_lock, self._database.lock("nas login") as is_locked:
            if not is_locked:
                raise DependencyAwayError(
                    "Another process is logging in to the NAS; the next poll tries again."
                )
            for row in self._database.all(_SQL["refusals"]):
                if hmac.compare_digest(bytes(row["digest"]), _digest(account, bytes(row["salt"]))):
                    raise SettingsError(f"{row['cause']} {_NOT_RETRIED}")
            try:
                yield
            except SettingsError as error:
                self._store(account, str(error))
                raise
            self.forget()

    def forget(self) -> int:
        """Allow all accounts again; returns how many were refused."""
        return self._database.run(_SQL["forget"])

    def _store(self, account: bytes, cause: str) -> None:
        salt = secrets.token_bytes(16)
        self._database.run(_SQL["refused"], salt=salt, digest=_digest(account, salt), cause=cause)


def _digest(account: bytes, salt: bytes) -> bytes:
    """A slow digest, so that a reader of the table can't test millions of passwords against it."""
    return hashlib.scrypt(account, salt=salt, n=2**14, r=8, p=1)
