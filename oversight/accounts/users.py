"""Local accounts: names, roles, invitations and passwords."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from common.database import queries
from common.errors import PermanentError

_SQL = queries(Path(__file__).with_suffix(".sql"))
ROLES = ("viewer", "reviewer", "operator")
FEWEST_LETTERS = 12  # of a password (NIST SP 800-63B asks for 8 or more, and 15 without a second factor)
_MOST_LETTERS = 256  # more only cost time
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_INVITE_HOURS = 24
_hasher = PasswordHasher()  # Argon2id with the parameters of RFC 9106
# Compared with if a name is unknown, so that the answer takes as long as for a known one.
_OTHER_HASH = _hasher.hash(secrets.token_urlsafe(16))


class Rows(Protocol):
    """Reads and writes rows by a named query: `common.database.Database`."""

    def all(self, query: Any, **values: object) -> list[dict[str, Any]]: ...

    def one(self, query: Any, **values: object) -> dict[str, Any] | None: ...

    def run(self, query: Any, **values: object) -> int: ...


@dataclass(frozen=True)
class User:
    """A local account."""

    name: str
    roles: tuple[str, ...]
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None


def users(rows: Rows) -> list[User]:
    """All accounts, by name."""
    return [User(**row | {"roles": tuple(row["roles"])}) for row in rows.all(_SQL["users"])]


def invite(rows: Rows, name: str, roles: Sequence[str]) -> str:
    """Make an account, or change the roles of one, and return the token of its one-time link.

    The link sets a new password; until then an old one works. The user's sessions end, because they have
    the roles of before. Raises PermanentError for a wrong name or role.
    """
    if not _NAME.fullmatch(name):
        raise PermanentError("A name has 1 to 64 of a-z, 0-9 and . _ @ -, and begins with a letter or digit.")
    unknown = sorted({*roles} - {*ROLES})
    if unknown or not roles:
        raise PermanentError(
            f"There is no role {', '.join(unknown) or 'given'}; roles are {', '.join(ROLES)}."
        )
    token = secrets.token_urlsafe(32)
    values = {"name": name, "roles": sorted({*roles}), "hash": _digest(token), "hours": _INVITE_HOURS}
    rows.run(_SQL["invite"], **values)
    rows.run(_SQL["end_sessions"], name=name)
    return token


def disable(rows: Rows, name: str) -> bool:
    """Let a user no longer sign in, and end the user's sessions; False if there is no such user.

    The password is forgotten, so that it does not count again when the user is invited again.
    """
    found = rows.run(_SQL["disable"], name=name) > 0
    rows.run(_SQL["end_sessions"], name=name)
    return found


def invited(rows: Rows, token: str) -> str | None:
    """The name of the account whose one-time link this is; None if it is unknown, used or too old."""
    row = rows.one(_SQL["invited"], hash=_digest(token))
    return None if row is None else str(row["name"])


def accept(rows: Rows, token: str, password: str) -> str | None:
    """Set the password of an invited user, once; None if the link is unknown, used or too old.

    Raises PermanentError if the password is too short or too long.
    """
    if not FEWEST_LETTERS <= len(password) <= _MOST_LETTERS:
        raise PermanentError(f"The password needs {FEWEST_LETTERS} to {_MOST_LETTERS} letters.")
    row = rows.one(_SQL["accept"], hash=_digest(token), password=_hasher.hash(password))
    if row is None:
        return None
    rows.run(_SQL["end_sessions"], name=row["name"])  # of whoever knew the old password
    return str(row["name"])


def checked_roles(rows: Rows, name: str, password: str) -> tuple[str, ...] | None:
    """The roles of a user with this password; None if the name or the password is wrong."""
    row = rows.one(_SQL["password"], name=name)
    known = row["password_hash"] if row else None
    try:
        _hasher.verify(known or _OTHER_HASH, password[:_MOST_LETTERS])
    except (VerifyMismatchError, InvalidHashError):
        return None
    return tuple(row["roles"]) if row and known else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
