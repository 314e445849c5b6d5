"""The Bearer tokens that callers may send: the current one and, during a rotation, the previous one.

Tokens in a file can be rotated without a restart: a changed file is read again.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common.errors import SettingsError

# Characters that need no escape in the header (RFC 6750, section 2.1).
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*")
EXPECTED_FORM = "16 or more letters, digits and any of - . _ ~ + /"


@dataclass(frozen=True)
class Tokens:
    """The accepted tokens."""

    read: Callable[[], tuple[str, ...]]  # the current one first

    @classmethod
    def of(cls, *tokens: str) -> "Tokens":
        """Tokens that do not change during the process."""
        return cls(lambda: tokens)

    @property
    def current(self) -> str:
        """The token to send."""
        return self.read()[0]

    def accepts(self, given: str) -> bool:
        """Whether a caller with this token is authorised; compares in constant time."""
        sent = given.encode("utf-8", "replace")
        return any(hmac.compare_digest(sent, token.encode()) for token in self.read())


class TokenFile:
    """A file with one token a line, the current one first; safe to share between threads.

    A rotation replaces the complete file; the next request is checked by the new one.
    Raises SettingsError if the file can't be read or a line is not a token.
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
        raise SettingsError(f"DCM2SET_TOKEN_FILE is wrong: expected {EXPECTED_FORM} in each line.")
    return tokens
