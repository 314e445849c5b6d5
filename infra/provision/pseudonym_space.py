"""The pseudonym space of a database: started with the first key, compared with it later."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row

from common.database import connect, queries
from common.errors import SettingsError
from common.settings import Settings
from deidentification.pseudonym import Pseudonyms
from deidentification.pseudonym_space import Space, former_keys

_SQL = queries(Path(__file__).with_suffix(".sql"))
_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,62}")
FIRST = "first"  # name of the space of a new database


@dataclass(frozen=True)
class Keys:
    """The pseudonym keys that a home knows."""

    current: bytes
    others: tuple[bytes, ...]  # possibly of earlier spaces

    @property
    def key_check(self) -> str:
        """The check value of the current key."""
        return Pseudonyms(self.current).key_check


def known_keys(settings: Settings, own: str | None) -> Keys:
    """The keys in the settings and the home's own key, which counts if the settings have no current one."""
    former = [key.get_secret_value() for key in settings.former_pseudonym_keys]
    configured = settings.pseudonym_key
    current = configured.get_secret_value() if configured else own
    if current is None:
        raise SettingsError("DCM2SET_PSEUDONYM_KEY is not set.")
    others = dict.fromkeys([*former, *([own] if own else [])])
    return Keys(bytes.fromhex(current), tuple(bytes.fromhex(key) for key in others if key != current))


def read_spaces(connection: psycopg.Connection[Any]) -> list[Space]:
    """The spaces of a database, the current one last."""
    with connection.cursor(row_factory=class_row(Space)) as cursor:
        return cursor.execute(_SQL["spaces"]).fetchall()


def enter_space(url: str, keys: Keys, *, new_space: str | None = None, who: str) -> None:
    """Check that the database belongs to the current key; the first key of a new database starts its space.

    `new_space` is the name of a space to start with another key. Raises SettingsError if the key is another
    one than the database's, or if the space can't be started.
    """
    with connect(url) as connection:
        connection.execute(_SQL["lock"])
        spaces = read_spaces(connection)
        if new_space is not None:
            _refuse_known(spaces, new_space, keys.key_check)
        if new_space is not None or not spaces:
            values = {"name": new_space or FIRST, "key_check": keys.key_check, "who": who}
            connection.execute(_SQL["start"], values)
        former_keys(read_spaces(connection), keys.current, keys.others)


def _refuse_known(spaces: list[Space], name: str, key_check: str) -> None:
    if not _NAME.fullmatch(name):
        raise SettingsError("A pseudonym space's name has 1 to 63 lower-case letters, digits, - and _.")
    for space in spaces:
        if space.key_check == key_check:
            raise SettingsError(
                f"DCM2SET_PSEUDONYM_KEY is the key of the pseudonym space {space.name!r} already: a new "
                "space needs a new key. Without --new-pseudonym-space the database's own space is used."
            )
        if space.name == name:
            raise SettingsError(f"The database has a pseudonym space {name!r} already: choose another name.")
