"""What callers may send as Bearer token: the one in force, and while it is rotated the one before.

Handed on in a file, it can be rotated in a running process: the file is read again when it changed.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common.errors import SettingsError

# What can stand in the header as it is (RFC 6750, section 2.1).
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*")
EXPECTED_FORM = "16 or more letters, digits and any of - . _ ~ + /"


@dataclass(frozen=True)
class Tokens:
    """The tokens that count at this moment."""

    read: Callable[[], tuple[str, ...]]  # the one in force first

    @classmethod
    def of(cls, *tokens: str) -> "Tokens":
        """Tokens that stay as they are as long as the process."""
        return cls(lambda: tokens)

    @property
    def current(self) -> str:
        """The one to send."""
        return self.read()[0]

    def accepts(self, given: str) -> bool:
        """Whether a caller with this token is let in; how long it takes tells nothing of a token."""
        sent = given.encode("utf-8", "replace")
        return any(hmac.compare_digest(sent, token.encode()) for token in self.read())


class TokenFile:
    """A file with a token in each line, the one in force first; safe to share between threads.

    Whoever rotates replaces the file as a whole; the next request is judged by the new one.
    Raises SettingsError when it can't be read or a line is no token.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[tuple[int, int, int], tuple[str, ...]] | None = None

    def __call__(self) -> tuple[str, ...]:
        try:
            state = self._path.stat()
            version = (state.st_ino, state.st_mtime_ns, state.st_size)
            if self._known is None or self._known[0] != version:
                self._known = version, _tokens(self._path.read_text(encoding="utf-8"))
            return self._known[1]
        except (OSError, UnicodeDecodeError):
            raise SettingsError("The file that DCM2SET_TOKEN_FILE names can't be read.") from None


def _tokens(text: str) -> tuple[str, ...]:
    tokens = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not tokens or not all(map(TOKEN.fullmatch, tokens)):
        raise SettingsError(f"DCM2SET_TOKEN_FILE is wrong: expected in each line {EXPECTED_FORM}.")
    return tokens
