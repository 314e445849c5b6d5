"""Whether poll_nas can use the NAS: everything that it does there is tried once."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from common.database import Database
from common.errors import PipelineError
from common.nas.location import open_nas
from common.nas.login_refusal import PostgresRefusals
from common.nas.nas import Nas, NasFile
from common.nas.processed_mark import Mark, configured_mark
from common.nas.system_names import is_system_name
from common.settings import Settings
from infra.health.finding import Finding, tried
from infra.nas.known_marks import unknown_marks

_READ_BYTES = 64 * 1024
_MOST_FOLDERS = 20  # in which a file to read is searched
_LARGE_CLOCK_DIFFERENCE = 120  # seconds


@dataclass
class NasCheck:
    """The checks, in order: each needs those before it."""

    nas: Nas
    mark: Mark | None
    may_write: bool
    folders: list[str] = field(default_factory=list)

    def findings(self) -> Iterator[Finding]:
        """Run all checks; if login or listing fails, the others are left out."""
        listed = tried("log in and list", self._list)
        yield listed
        if not listed.is_good:
            return
        yield tried("read", self._read)
        yield tried("rename", self._rename)
        yield tried("free space", self._free_space)
        yield tried("clock", self._clock)
        yield Finding("folders", True, self._folder_counts())

    def _list(self) -> str:
        folders = [folder.name for folder in self.nas.list_folders()]
        self.folders = [name for name in folders if not is_system_name(name)]
        return f"{len(self.folders)} folder(s) in the root"

    def _read(self) -> str:
        for folder in ["", *self._unmarked_folders()[:_MOST_FOLDERS], *self.folders[:_MOST_FOLDERS]]:
            file = next(self._files(folder), None)
            if file is not None:
                with self.nas.open(folder, file.path) as stream:
                    number = len(stream.read(min(_READ_BYTES, file.size)))
                return f"{number} bytes of one file read"
        return "no file found to read; put one there and try again"

    def _files(self, folder: str) -> Iterator[NasFile]:
        return (file for file in self.nas.list_files(folder) if file.size and not file.fault)

    def _rename(self) -> str:
        if self.mark is None:
            return "not needed: no folder is ever renamed (DCM2SET_NAS_PROCESSED_MARK)"
        if not self.may_write:
            return "not tried; --write creates, renames and removes one empty folder"
        name = f"dcm2set-check-{secrets.token_hex(4)}"
        marked = self.mark.name(name)
        self.nas.make_folder(name)
        try:
            self.nas.rename_folder(name, marked)
        finally:
            for left in (marked, name):
                with suppress(PipelineError):
                    self.nas.remove_empty_folder(left)
        if {name, marked} & {folder.name for folder in self.nas.list_folders()}:
            return f"an empty folder was created and renamed, but could not be removed: {name}"
        return "an empty folder was created, renamed and removed"

    def _free_space(self) -> str:
        free = self.nas.free_bytes()
        return "the NAS does not report it" if free is None else f"{free / 1024**3:.1f} GiB"

    def _clock(self) -> str:
        clock = self.nas.clock()
        if clock is None:
            return "a mounted share has no clock; its times are only compared with each other"
        seconds = (clock - datetime.now(UTC)).total_seconds()
        difference = f"{seconds:+.0f} s from this machine's clock"
        if abs(seconds) < _LARGE_CLOCK_DIFFERENCE:
            return difference
        return f"{difference}; poll_nas uses the clock of the NAS, TLS uses both"

    def marked_folders(self) -> list[str]:
        """The folders with the mark of processed ones."""
        return [name for name in self.folders if self.mark is not None and self.mark.is_on(name)]

    def _unmarked_folders(self) -> list[str]:
        return [name for name in self.folders if self.mark is None or not self.mark.is_on(name)]

    def _folder_counts(self) -> str:
        waiting = len(self._unmarked_folders())
        if self.mark is None:
            return f"{len(self.folders)}, none is ever marked; dcm2set status shows what waits"
        return f"{waiting} without the mark, {len(self.folders) - waiting} processed"


def check_nas(settings: Settings, *, may_write: bool, database_url: str | None = None) -> list[Finding]:
    """Check the NAS; the only finding is an error if the settings do not name one.

    After a successful login, the marked folders are compared with the rows of the database at `database_url`,
    and refused logins are removed from it.
    """
    try:
        nas = open_nas(settings)
    except PipelineError as error:
        return [Finding("settings", False, str(error))]
    try:
        check = NasCheck(nas, configured_mark(settings), may_write)
        findings = list(check.findings())
        if database_url is not None and findings[0].is_good:
            findings += _compared(database_url, check.marked_folders())
        return findings
    finally:
        with suppress(PipelineError):
            nas.close()


def _compared(database_url: str, marked: list[str]) -> list[Finding]:
    """What the database says: marked folders that it lacks; and poll_nas may log in again."""
    database = Database(database_url)
    try:
        return [*unknown_marks(database, marked), *_forget_refusals(database)]
    finally:
        database.close()


def _forget_refusals(database: Database) -> list[Finding]:
    """Let poll_nas log in again: a person has just logged in successfully."""
    try:
        number = PostgresRefusals(database).forget()
    except PipelineError as error:
        return [Finding("refused logins", False, str(error))]
    return [Finding("refused logins", True, f"{number} forgotten; poll_nas logs in again")] if number else []
