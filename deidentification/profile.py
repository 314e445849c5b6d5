"""The de-identification profile: its version and the options of PS3.15 Annex E that are on."""

import hashlib
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

from common.errors import SettingsError
from common.toml_file import read_toml

_SETTING = "DCM2SET_DEIDENTIFICATION_PROFILE"
_SHIPPED = Path(__file__).with_name("profiles")
_CHOICES = {"suspected_text": ("hold", "read"), "identifying_text": ("hold", "blank")}


@dataclass(frozen=True)
class Profile:
    """The Basic Application Level Confidentiality Profile with options (PS3.15 table E.1-1).

    A TOML file can replace these defaults, under the same names.
    """

    name: str = "dcm2set"
    version: int = 3
    clean_descriptors: bool = True  # descriptions keep only words of radiology
    retain_longitudinal_modified: bool = True  # shift dates, by one number of days per patient
    retain_patient_characteristics: bool = True  # sex, age (over 89: 90), size, weight
    retain_device_identity: bool = False
    retain_institution_identity: bool = False
    retain_safe_private: bool = True  # only numbers, in private elements known to hold nothing else
    suspected_text: str = "hold"  # files that often show text: hold for a person, or read by the search
    identifying_text: str = "hold"  # pictures with the patient's own words: hold for a person, or blank

    def __str__(self) -> str:
        return self._title

    @cached_property
    def _title(self) -> str:
        """Name, version and a digest of all fields, so that profiles with other options have other titles."""
        fields_text = repr(sorted(asdict(self).items())).encode()
        return f"{self.name} {self.version} ({hashlib.sha256(fields_text).hexdigest()[:8]})"

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The names of the options that are on, as in the columns of the profile table."""
        values = asdict(self)
        return tuple(name for name in values if values[name] is True)

    @cached_property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """Code value and code meaning of the profile and of each option that is on (PS3.16 CID 7050)."""
        return (_BASIC, *(_OPTIONS[name] for name in self.options))


# Added if a person, a rule for the device or the text search has looked; the profile has no option for it.
CLEAN_PIXEL_DATA = ("113101", "Clean Pixel Data Option")
_BASIC = ("113100", "Basic Application Confidentiality Profile")
_OPTIONS = {
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "retain_longitudinal_modified": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "retain_patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
    "retain_device_identity": ("113109", "Retain Device Identity Option"),
    "retain_safe_private": ("113111", "Retain Safe Private Option"),
    "retain_institution_identity": ("113112", "Retain Institution Identity Option"),
}


def load_profile(path: Path | None) -> Profile:
    """The profile in a TOML file or of a shipped name, or the default if `path` is None.

    SettingsError names a wrong field.
    """
    if path is None:
        return Profile()
    shipped = _SHIPPED / f"{path}.toml"
    table = read_toml(shipped if path.name == str(path) and shipped.exists() else path, _SETTING)
    types = {field.name: type(field.default) for field in fields(Profile)}
    for name, value in table.items():
        if name not in types:
            raise SettingsError(f"{_SETTING}: {name!r} is not a field of a profile.")
        if type(value) is not types[name]:
            raise SettingsError(f"{_SETTING}: {name!r} must be of type {types[name].__name__}.")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise SettingsError(f"{_SETTING}: {name!r} must be {' or '.join(_CHOICES[name])}.")
    if not {"name", "version"} <= table.keys() or len(table["name"]) > 40:
        raise SettingsError(f"{_SETTING} must set a name, of at most 40 characters, and a version.")
    return Profile(**table)
