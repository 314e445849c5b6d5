"""The pseudonym keys of a home, compared with those with which its database was made."""

from common.database import connect
from common.errors import SettingsError
from common.settings import load_settings
from deidentification.pseudonym import Pseudonyms
from deidentification.pseudonym_space import Space, former_keys
from infra.local.home import Home
from infra.provision.pseudonym_space import Keys, known_keys, read_spaces


def checked_keys(home: Home, url: str) -> tuple[Keys, list[Space]]:
    """The keys of a running home, and the spaces of its database, the current one last.

    Raises SettingsError, which names DCM2SET_PSEUDONYM_KEY, if the database was made with another key.
    """
    settings = load_settings()
    own = home.secrets().pseudonym_key if home.has_secrets() else None
    keys = known_keys(settings, own)
    with connect(url) as connection:
        spaces = read_spaces(connection)
    former_keys(spaces, keys.current, keys.others)
    return keys, spaces


def key_of_space(keys: Keys, spaces: list[Space], name: str) -> bytes:
    """The key of a space, by the space's name; SettingsError if it is not known."""
    check = next((space.key_check for space in spaces if space.name == name), None)
    if check is None:
        names = ", ".join(space.name for space in spaces)
        raise SettingsError(f"There is no pseudonym space {name!r}; the database has: {names}.")
    known = {Pseudonyms(key).key_check: key for key in (keys.current, *keys.others)}
    if check not in known:
        raise SettingsError(
            f"The key of the pseudonym space {name!r} is not known: add it to DCM2SET_FORMER_PSEUDONYM_KEYS."
        )
    return known[check]
