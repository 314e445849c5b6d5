"""Which key a database accepts, and which earlier keys it needs."""

import pytest

from common.errors import SettingsError
from deidentification.pseudonym import Pseudonyms
from deidentification.pseudonym_space import Space, check_key, former_keys

FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))


def space(number: int, key: bytes, *, has_erased: bool = False) -> Space:
    return Space(number, f"space-{number}", Pseudonyms(key).key_check, has_erased)


def test_the_current_key_is_accepted() -> None:
    """The key of the last space is accepted; keys that belong to no space are ignored."""
    assert () == former_keys([space(1, FIRST, has_erased=True)], FIRST, [SECOND])


@pytest.mark.parametrize("key", [FIRST, THIRD])
def test_another_key_is_refused(key: bytes) -> None:
    """Unknown keys and keys of earlier spaces are refused; the message names the setting and no key."""
    spaces = [space(1, FIRST), space(2, SECOND)]
    with pytest.raises(SettingsError, match="DCM2SET_PSEUDONYM_KEY") as caught:
        former_keys(spaces, key, [FIRST, SECOND, THIRD])
    assert (key == FIRST) == ("earlier space 'space-1'" in str(caught.value))
    assert key.hex() not in str(caught.value)


def test_a_database_without_a_space_is_refused() -> None:
    """A function never starts a space itself."""
    with pytest.raises(SettingsError, match="dcm2set up"):
        check_key([], Pseudonyms(FIRST).key_check)


def test_keys_of_earlier_spaces_are_found() -> None:
    """Of all given keys those of earlier spaces, in the order of the spaces."""
    spaces = [space(1, FIRST, has_erased=True), space(2, SECOND), space(3, THIRD)]
    assert (FIRST, SECOND) == former_keys(spaces, THIRD, [SECOND, bytes(32), FIRST])


def test_the_key_of_erased_patients_is_needed() -> None:
    """Without it an erased patient would come back; a space without erased patients needs no key."""
    spaces = [space(1, FIRST), space(2, SECOND, has_erased=True), space(3, THIRD)]
    with pytest.raises(SettingsError, match="DCM2SET_FORMER_PSEUDONYM_KEYS") as caught:
        former_keys(spaces, THIRD, [FIRST])
    assert "space-2" in str(caught.value)
    assert (SECOND,) == former_keys(spaces, THIRD, [SECOND])


def test_the_check_value_is_not_the_key() -> None:
    """The check value differs from key, key ID and every pseudonym of the same key."""
    pseudonyms = Pseudonyms(FIRST)
    others = {FIRST.hex(), pseudonyms.key_id, pseudonyms.content(b""), pseudonyms.patient("", "", "")}
    assert pseudonyms.key_check not in others
    assert not pseudonyms.key_check.startswith(pseudonyms.key_id)
