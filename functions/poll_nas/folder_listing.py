"""A folder's listing as a look needs it: each file once, and whether one may still change."""

from collections.abc import Iterator
from dataclasses import dataclass

from common.nas.nas import Nas, NasFile
from functions.poll_nas.raw_key import junk_cause
from functions.poll_nas.source_rows import ListedFile, storable


@dataclass
class Listing:
    """The files of one folder, read once."""

    nas: Nas
    folder: str
    quiet_seconds: float
    has_young: bool = False  # a file was changed so shortly before that it may change again

    def files(self) -> Iterator[ListedFile]:
        """What the NAS tells, with the cause of what is never copied."""
        for file in self.nas.list_files(self.folder):
            cause = junk_cause(file.path)
            self.has_young |= cause is None and self._is_young(file)
            yield ListedFile(storable(file.path), file.size, file.modified_at, cause)

    def _is_young(self, file: NasFile) -> bool:
        """By the NAS's clock. A time in the future tells of a wrong clock and nothing of the file."""
        clock = self.nas.clock()
        age = None if clock is None else (clock - file.modified_at).total_seconds()
        return age is not None and 0 <= age < self.quiet_seconds
