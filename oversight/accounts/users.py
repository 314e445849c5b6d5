"""Local accounts: names, roles, invitations and passwords."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from common.database import Database, queries
from common.errors import PermanentError
from common.page_settings import Role

_SQL = queries(Path(__file__).with_suffix(".sql"))
ROLES: tuple[str, ...] = get_args(Role)
FEWEST_LETTERS = 12  # of a password (NIST SP 800-63B asks for 8 or more, and 15 without a second factor)
_MOST_LETTERS = 256  # more only cost time
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_INVITE_HOURS = 24
_hasher = PasswordHasher()  # Argon2id with the parameters of RFC 9106
# Compared with if a name is unknown, so that the answer takes as long as for a known one. It is made at once,
# because the first answer must not take longer either.
_OTHER_HASH = _hasher.hash(secrets.token_urlsafe(16))


@dataclass(frozen=True)
class User:
    """A local account."""

    name: str
    roles: tuple[str, ...]
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None


def users(database: Database) -> list[User]:
    """All accounts, by name."""
    return [User(**row | {"roles": tuple(row["roles"])}) for row in database.all(_SQL["users"])]


def invite(database: Database, name: str, roles: Sequence[str]) -> str:
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
    values = {"name": name, "roles": sorted({*roles}), "hash": token_digest(token), "hours": _INVITE_HOURS}
    database.run(_SQL["invite"], **values)
    database.run(_SQL["end_sessions"], name=name)
    return token


def disable(database: Database, name: str) -> bool:
    """Let a user no longer sign in, and end the user's sessions; False if there is no such user.

    The password is forgotten, so that it does not count again when the user is invited again.
    """
    found = database.run(_SQL["disable"], name=name) > 0
    database.run(_SQL["end_sessions"], name=name)
    return found


def invited(database: Database, token: str) -> str | None:
    """The name of the account whose one-time link this is; None if it is unknown, used or too old."""
    row = database.one(_SQL["invited"], hash=token_digest(token))
    return None if row is None else str(row["name"])


def accept(database: Database, token: str, password: str) -> str | None:
    """Set the password of an invited user, once; None if the link is unknown, used or too old.

    Raises PermanentError if the password is too short or too long.
    """
    if not FEWEST_LETTERS <= len(password) <= _MOST_LETTERS:
        raise PermanentError(f"The password needs {FEWEST_LETTERS} to {_MOST_LETTERS} letters.")
    row = database.one(_SQL["accept"], hash=token_digest(token), password=_hasher.hash(password))
    if row is None:
        return None
    database.run(_SQL["end_sessions"], name=row["name"])  # of whoever knew the old password
    return str(row["name"])


def checked_roles(database: Database, name: str, password: str) -> tuple[str, ...] | None:
    """The roles of a user with this password; None if the name or the password is wrong."""
    row = database.one(_SQL["password"], name=name)
    known = row["password_hash"] if row else None
    try:
        _hasher.verify(known or _OTHER_HASH, password[:_MOST_LETTERS])
    except (VerifyMismatchError, InvalidHashError):
        return None
    return tuple(row["roles"]) if row and known else None


def token_digest(token: str) -> bytes:
    """What the database has instead of a token: whoever reads it can't use the token (SHA-256)."""
    return hashlib.sha256(token.encode()).digest()
