"""Pseudonym spaces: with which key the pseudonyms of a database were made, and why another key is refused.

All pseudonyms of one key are a space. A database begins with one, and an operator may start another one by
name. Nothing links a patient's pseudonyms in two spaces but the two keys, so an erased patient stays erased
only as long as the key of that space is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.errors import SettingsError
from deidentification.pseudonym import Pseudonyms


@dataclass(frozen=True)
class Space:
    """A row of the table pseudonym_space."""

    number: int
    name: str
    key_check: str  # Pseudonyms.key_check of its key
    has_erased: bool  # whether patients were erased by their pseudonyms of this space


def former_keys(spaces: Sequence[Space], key: bytes, others: Iterable[bytes]) -> tuple[bytes, ...]:
    """The keys of earlier spaces among `others`, by which patients who were erased there are recognised.

    `spaces` are all spaces of the database, the current one last. Raises SettingsError if `key` is not the
    key of the current space, or if the key of an earlier space with erased patients is missing.
    """
    check_key(spaces, Pseudonyms(key).key_check)
    known = {Pseudonyms(other).key_check: other for other in others}
    for space in spaces[:-1]:
        if space.has_erased and space.key_check not in known:
            raise SettingsError(
                f"Patients were erased in the pseudonym space {space.name!r}: add its key to "
                "DCM2SET_FORMER_PSEUDONYM_KEYS, so that their files are still refused."
            )
    return tuple(known[space.key_check] for space in spaces[:-1] if space.key_check in known)


def check_key(spaces: Sequence[Space], key_check: str) -> None:
    """Raise SettingsError unless this is the check value of the current space's key."""
    if not spaces:
        raise SettingsError("The database has no pseudonym space yet: start the home with dcm2set up.")
    current = spaces[-1]
    if current.key_check != key_check:
        earlier = next((space.name for space in spaces if space.key_check == key_check), None)
        raise other_key(current.name, earlier)


def other_key(current: str, earlier: str | None = None) -> SettingsError:
    """The error for a key that is not the key of the current space."""
    whose = f", but of the earlier space {earlier!r}" if earlier else ""
    return SettingsError(
        f"DCM2SET_PSEUDONYM_KEY, or the home's own key where it is not set, is not the key of the pseudonym "
        f"space {current!r} of this database{whose}. Set that key. With another key every patient gets "
        "another pseudonym: only dcm2set up --new-pseudonym-space NAME starts that."
    )
