"""Every setting with its value in this process; a secret is only told to be set."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from common.nas_settings import NasSettings
from common.page_settings import PageSettings
from common.settings import Settings, variable_name

_STORE = "Hospital IT: the object store, the database, tokens and TLS"
_PAGE, _NAS = "Hospital IT: the page", "Hospital IT: the NAS"
# The first field of each group but these two, in the order of Settings.
_GROUPS = {
    "secrets_dir": _STORE,
    "images_prefix": "Data engineer: limits and speed of the pipeline",
    "png_bits": "Radiologist or researcher: pictures, quality and labels",
    "pseudonym_key": "Privacy officer: de-identification",
}
# What dcm2set up gives to one function alone, or keeps for itself.
_KNOWN_BY = {
    "pseudonym_key": "extract",
    "former_pseudonym_keys": "extract",
    "function_urls": "sweep",
    "functions_ca_file": "sweep",
    "function_secrets": "dcm2set provision",
    "local_store": "dcm2set up",
} | dict.fromkeys(NasSettings.model_fields, "poll_nas")
_USER = re.compile(r"(?<=://)[^/@\s]*@")
_QUERY = re.compile(r"(?<=\?)\S*")
_HIDDEN = "…"


@dataclass(frozen=True)
class Setting:
    """One setting."""

    variable: str
    meaning: str
    value: str | None  # None: it has none, or is not known here
    is_set: bool  # otherwise it has its default
    known_by: str | None  # who else has it, if this process is not given it
    default: str | None


def settings_by_group(settings: Settings) -> dict[str, list[Setting]]:
    """All settings under the headings of docs/settings.md, with their values in this process."""
    groups: dict[str, list[Setting]] = {group: [] for group in (_STORE, _PAGE, _NAS)}
    for name, group in _groups():
        groups.setdefault(group, []).append(_setting(settings, name, Settings.model_fields[name]))
    return groups


def _groups() -> Iterator[tuple[str, str]]:
    """The fields in their order, each with its group."""
    group = ""
    for name in Settings.model_fields:
        if name in NasSettings.model_fields:
            yield name, _NAS
        elif name in PageSettings.model_fields:
            yield name, _PAGE
        else:
            group = _GROUPS.get(name, group)
            yield name, group


def _setting(settings: Settings, name: str, field: FieldInfo) -> Setting:
    is_set = name in settings.model_fields_set
    known_by = None if is_set else _KNOWN_BY.get(name)
    value, default = getattr(settings, name), field.get_default(call_default_factory=True)
    if _is_secret(field.annotation):
        value, default = ("set" if value else "not set"), None
    return Setting(
        variable_name(name),
        field.description or "",
        _shown(value) if known_by is None else None,
        is_set,
        known_by,
        _shown(default),
    )


def _is_secret(annotation: Any) -> bool:
    """Whether a type is, or contains, that of secrets."""
    return annotation is SecretStr or any(_is_secret(each) for each in get_args(annotation))


def _shown(value: Any) -> str | None:
    """A value as it would be written in the environment, without user, password and query of an address."""
    if value is None or value in ([], {}, ""):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        value = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    return _QUERY.sub(_HIDDEN, _USER.sub(f"{_HIDDEN}@", text)) if "://" in text else text
