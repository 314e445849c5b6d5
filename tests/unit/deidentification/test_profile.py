"""The de-identification profile and its file."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from deidentification.profile import Profile, load_profile


def test_default_profile_names_its_options() -> None:
    """The basic profile and the options that are on are named by their codes."""
    codes = [code for code, _ in Profile().codes]
    assert ["113100", "113105", "113107", "113108", "113111"] == codes
    assert str(Profile()).startswith("dcm2set 3 (")
    assert len(str(Profile())) <= 64


def test_another_option_is_another_profile() -> None:
    """The digest in the title distinguishes two profiles of the same name and version."""
    assert str(Profile()) != str(Profile(retain_device_identity=True))


def test_profile_from_a_file(tmp_path: Path) -> None:
    """A file replaces the defaults that it names."""
    path = tmp_path / "profile.toml"
    path.write_text('name = "ours"\nversion = 3\nretain_safe_private = false\n')
    assert Profile("ours", 3, retain_safe_private=False) == load_profile(path)
    assert Profile() == load_profile(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "TOML"),
        ('name = "x"\nversion = "1"', "'version'"),
        ('name = "x"\nversion = 1\nretain_everything = true', "'retain_everything'"),
        ('name = "x"\nversion = 1\nclean_descriptors = 1', "'clean_descriptors'"),
        ("version = 1", "must set a name"),
    ],
)
def test_an_error_in_a_file_is_named(text: str, words: str, tmp_path: Path) -> None:
    """A wrong profile is refused, and the message says what is wrong."""
    path = tmp_path / "profile.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="DCM2SET_DEIDENTIFICATION_PROFILE") as caught:
        load_profile(path)
    assert words in str(caught.value)
    with pytest.raises(SettingsError):
        load_profile(tmp_path / "none.toml")
