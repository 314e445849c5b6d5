"""Waits until the processes of a home are ready, and says why one is not."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC

import psycopg

from common.errors import DependencyAwayError
from infra.local.causes.os_errors import os_error_text
from infra.local.causes.start_logs import StartLogs
from infra.local.home import Home
from infra.local.supervisor import last_lines

START_SECONDS = 90
_LOOK_SECONDS = 1.0  # between two looks for a cause


@dataclass(frozen=True)
class Waiting:
    """Waits for the processes of one start."""

    logs: StartLogs
    daemon: "subprocess.Popen[bytes]"  # supervisord
    store: str  # the name of the object store
    has_own_database: bool

    @property
    def home(self) -> Home:
        return self.logs.home

    def until(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Wait until a process is ready; raises DependencyAwayError as soon as a cause is known."""
        started = looked = time.monotonic()
        while not is_ready():
            now = time.monotonic()
            if now - looked > _LOOK_SECONDS:
                looked = now
                self.raise_cause(name)
            if now - started > START_SECONDS:
                log = self.logs.path(name)
                raise DependencyAwayError(
                    f"{name} did not start within {START_SECONDS} s; its log {log} ends with:\n"
                    f"{last_lines(log)}"
                )
            time.sleep(0.1)

    def raise_cause(self, name: str) -> None:
        """Raise DependencyAwayError if it is known why a process can't start."""
        folders = {self.store: self.home.store_data(self.store), "postgres": self.home.postgres_data}
        folder = folders.get(name)
        if cause := self.logs.cause(name, folder or self.home.folder):
            raise DependencyAwayError(cause)
        if self.daemon.poll() is not None:
            output = self.home.logs / "supervisord.out"
            raise DependencyAwayError(f"supervisord ended ({last_lines(output, 1)}); see {output}.")

    def _database_error(self, error: psycopg.Error) -> DependencyAwayError:
        if isinstance(error, psycopg.errors.DiskFull):
            if not self.has_own_database:
                return DependencyAwayError("The disk of the database in DATABASE_URL is full; it needs room.")
            full = OSError(ENOSPC, "", str(self.home.postgres_data))
            return DependencyAwayError(f"postgres can't go on: {os_error_text(full, self.home)}.")
        if self.has_own_database:
            self.raise_cause("postgres")
        return DependencyAwayError(f"The database failed while it was set up ({type(error).__name__}).")

    @contextmanager
    def server_errors(self) -> Iterator[None]:
        """Turn errors of servers that end while they are set up into errors with the cause."""
        try:
            yield
        except psycopg.Error as error:
            raise self._database_error(error) from None
        except DependencyAwayError:
            self.raise_cause(self.store)
            raise
