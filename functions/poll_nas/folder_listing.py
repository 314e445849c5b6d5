"""The listing of a folder: each of its files, and whether one was changed a moment ago."""

from collections.abc import Iterator
from dataclasses import dataclass

from common.nas.nas import Nas, NasFile
from common.nas.storable_name import storable
from common.nas.system_names import is_partial_upload
from functions.poll_nas.raw_key import junk_cause
from functions.poll_nas.source_rows import UPLOAD, ListedFile


@dataclass
class Listing:
    """Lists the files of one folder once."""

    nas: Nas
    folder: str
    quiet_seconds: float
    has_recent: bool = False  # whether a file was changed within the quiet time, so it may change again

    def files(self) -> Iterator[ListedFile]:
        """The files on the NAS, with the cause why a file is never copied, or not yet."""
        for file in self.nas.list_files(self.folder):
            junk = junk_cause(file.path)
            blocked = None if junk else _blocked_cause(file)
            self.has_recent |= not (junk or blocked) and self._is_recent(file)
            yield ListedFile(
                storable(file.path), file.size, file.modified_at, junk or blocked, blocked is not None
            )

    def _is_recent(self, file: NasFile) -> bool:
        """Whether a file was changed within the quiet time, by the NAS's clock.

        A time in the future means a wrong clock, and says nothing about the file.
        """
        clock = self.nas.clock()
        age = None if clock is None else (clock - file.modified_at).total_seconds()
        return age is not None and 0 <= age < self.quiet_seconds


def _blocked_cause(file: NasFile) -> str | None:
    """Why a file can't be copied yet; None if it can be."""
    if file.fault is None and is_partial_upload(file.path.rpartition("/")[2]):
        return UPLOAD
    return file.fault
