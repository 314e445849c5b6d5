"""What the NAS is told of processed folders: another name, by a pattern in the settings."""

import re
from collections.abc import Collection
from itertools import chain, count

from common.settings import Settings

_NAME = "<name>"
_MOST_NAME_BYTES = 255  # of btrfs and ext4, so of every NAS
_NUMBER_BYTES = 6  # kept free behind a name that is cut


class Mark:
    """A pattern of names, such as `<name>_processed`; without `<name>` it is what comes behind."""

    def __init__(self, pattern: str) -> None:
        before, found, after = pattern.partition(_NAME)
        self._before, self._after = (before, after) if found else ("", pattern)
        self._form = re.compile(f"{re.escape(self._before)}.+{re.escape(self._after)}[0-9]*", re.DOTALL)

    def name(self, folder: str, taken: Collection[str] = ()) -> str:
        """A folder's name with the mark, with a number if earlier folders have the name already.

        A name that would be too long for a NAS is cut.
        """
        bytes_left = _MOST_NAME_BYTES - len((self._before + self._after).encode())
        raw = folder.encode("utf-8", "surrogateescape")
        if len(raw) > bytes_left:
            folder = raw[: bytes_left - _NUMBER_BYTES].decode("utf-8", "ignore")
        name = f"{self._before}{folder}{self._after}"
        numbered = (f"{name}{number}" for number in count(2))
        return next(free for free in chain([name], numbered) if free not in taken)

    def is_on(self, name: str) -> bool:
        """Whether a folder's name bears the mark."""
        return self._form.fullmatch(name) is not None


def configured_mark(settings: Settings) -> Mark | None:
    """The mark of the settings; None if nothing may be renamed."""
    pattern = settings.nas_processed_mark
    return None if settings.nas_read_only or pattern.lower() == "none" else Mark(pattern)
