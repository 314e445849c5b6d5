"""New names of processed folders on the NAS, by a pattern in the settings."""

import re
import unicodedata
from collections.abc import Collection
from itertools import chain, count

from common.settings import Settings

_NAME = "<name>"
_MAX_NAME_BYTES = 255  # the limit of btrfs and ext4
_NUMBER_BYTES = 6  # reserved for a number after a shortened name


class Mark:
    """A pattern of names, such as `<name>_processed`; a pattern without `<name>` is a suffix."""

    def __init__(self, pattern: str) -> None:
        before, found, after = pattern.partition(_NAME)
        self._before, self._after = (before, after) if found else ("", pattern)
        self._form = re.compile(f"{re.escape(self._before)}.+{re.escape(self._after)}[0-9]*", re.DOTALL)

    def name(self, folder: str, taken: Collection[str] = ()) -> str:
        """The marked name of a folder, with a number if the name is taken already, in whichever letter case.

        Shares are often case-insensitive. A name that would be too long for a NAS is shortened.
        """
        bytes_left = _MAX_NAME_BYTES - len((self._before + self._after).encode())
        raw = folder.encode("utf-8", "surrogateescape")
        if len(raw) > bytes_left:
            folder = raw[: bytes_left - _NUMBER_BYTES].decode("utf-8", "ignore")
        name = f"{self._before}{folder}{self._after}"
        numbered = (f"{name}{number}" for number in count(2))
        folded = {_folded(each) for each in taken}
        return next(free for free in chain([name], numbered) if _folded(free) not in folded)

    def is_on(self, name: str) -> bool:
        """Whether the name of a folder has the mark."""
        return self._form.fullmatch(name) is not None


def _folded(name: str) -> str:
    """Equal for names that a case-insensitive file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def configured_mark(settings: Settings) -> Mark | None:
    """The mark in the settings; None if folders must not be renamed."""
    pattern = settings.nas_processed_mark
    return None if pattern.lower() == "none" else Mark(pattern)
