"""The de-identification profile: which options of PS3.15 Annex E hold, and its version."""

import hashlib
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

from common.errors import SettingsError
from common.toml_file import read_toml

_SETTING = "DCM2SET_DEIDENTIFICATION_PROFILE"


@dataclass(frozen=True)
class Profile:
    """The Basic Application Level Confidentiality Profile with options (PS3.15 table E.1-1).

    A file says what differs from these: the same names, in TOML.
    """

    name: str = "dcm2set"
    version: int = 2
    clean_descriptors: bool = True  # of descriptions, the words of radiology stay
    retain_longitudinal_modified: bool = True  # dates shifted, the same number of days for a patient
    retain_patient_characteristics: bool = True  # sex, capped age, size, weight
    retain_device_identity: bool = False
    retain_institution_identity: bool = False
    retain_safe_private: bool = True  # numbers only, of private elements known to hold nothing else

    def __str__(self) -> str:
        return self._title

    @cached_property
    def _title(self) -> str:
        """Name, version and a digest of all it says: another file, another profile."""
        told = repr(sorted(asdict(self).items())).encode()
        return f"{self.name} {self.version} ({hashlib.sha256(told).hexdigest()[:8]})"

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The names of the options that hold, as the table's columns are named."""
        values = asdict(self)
        return tuple(name for name in values if values[name] is True)

    @cached_property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """Code value and meaning of the profile and each of its options (PS3.16 CID 7050)."""
        return (_BASIC, *(_OPTIONS[name] for name in self.options))


# By the gate for burned-in text, which is no matter of the profile.
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
    """The profile in a TOML file, or the default; SettingsError names what is wrong in it."""
    if path is None:
        return Profile()
    told = read_toml(path, _SETTING)
    kinds = {field.name: type(field.default) for field in fields(Profile)}
    for name, value in told.items():
        if name not in kinds or type(value) is not kinds[name]:
            raise SettingsError(f"{_SETTING} is wrong at {name!r}.")
    if not {"name", "version"} <= told.keys() or len(told["name"]) > 40:
        raise SettingsError(f"{_SETTING} must have a name of its own and a version.")
    return Profile(**told)
