"""What an account was refused by the NAS for, so that nobody tries it again before it is mended.

DSM blocks an address after a few failures, for everybody behind it. So a refusal outlives the
process, and is known to its replicas; only the settings' digest is kept, never the password.
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
_MEND = "It was tried once and isn't again, until the setting is mended or `dcm2set nas check` gets in."


class Refusals(Protocol):
    """Which account was refused."""

    def one_try(self, account: bytes) -> AbstractContextManager[None]:
        """Around a login: no two at a time, and none with an account that was refused before.

        Raises SettingsError with what was refused then. A SettingsError from within is kept; a
        login that succeeds ends every refusal.
        """


@dataclass
class ProcessRefusals(Refusals):
    """Refusals of one process, for commands that a person starts."""

    refused: bytes | None = None
    cause: str = ""

    @contextmanager
    def one_try(self, account: bytes) -> Iterator[None]:
        if account == self.refused:
            raise SettingsError(f"{self.cause} {_MEND}")
        try:
            yield
        except SettingsError as error:
            self.refused, self.cause = account, str(error)
            raise


class PostgresRefusals(Refusals):
    """Refusals of every process and replica."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._own = Lock()

    @contextmanager
    def one_try(self, account: bytes) -> Iterator[None]:
        # Threads wait for each other here, and hold no connection while they do.
        with self._own, self._database.lock("nas login") as mine:
            if not mine:
                raise DependencyAwayError("Another process is logging in to the NAS; the next poll goes on.")
            for row in self._database.all(_SQL["refusals"]):
                if hmac.compare_digest(bytes(row["digest"]), _digest(account, bytes(row["salt"]))):
                    raise SettingsError(f"{row['cause']} {_MEND}")
            try:
                yield
            except SettingsError as error:
                self._keep(account, str(error))
                raise
            self.forget()

    def forget(self) -> int:
        """Let every account be tried again; how many were refused."""
        return self._database.run(_SQL["forget"])

    def _keep(self, account: bytes, cause: str) -> None:
        salt = secrets.token_bytes(16)
        self._database.run(_SQL["refused"], salt=salt, digest=_digest(account, salt), cause=cause)


def _digest(account: bytes, salt: bytes) -> bytes:
    """Slow on purpose: who reads the table can't try passwords against it by the million."""
    return hashlib.scrypt(account, salt=salt, n=2**14, r=8, p=1)
