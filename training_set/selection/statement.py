"""What a person states about a training set: licence, ethics, intended use and limits."""

import re
from collections.abc import Mapping

from common.errors import PermanentError

LICENCE, ETHICS, INTENDED_USE, LIMITS = "licence", "ethics", "intended_use", "limits"
STATED = (LICENCE, ETHICS, INTENDED_USE, LIMITS)
WITHOUT = "without"  # why something is not stated
_MAX_CHARACTERS = 2000
_HOW = (
    "{options}, each as one sentence, once for the set; or in the settings DCM2SET_SET_LICENCE, _ETHICS, "
    '_INTENDED_USE and _LIMITS; or say why they are missing: --without-statement "why"'
)


def option_name(name: str) -> str:
    """Return the option that states something."""
    return "--without-statement" if name == WITHOUT else f"--{name.replace('_', '-')}"


def merged_statement(
    given: Mapping[str, str], before: Mapping[str, str], defaults: Mapping[str, str]
) -> dict[str, str]:
    """Return a statement: what is given now, else what the last version has, else what the settings have.

    Raises PermanentError if a text is empty, too long or not plain text. What is missing is not checked.
    """
    known = {**defaults, **before}
    checked = {name: _checked(name, text) for name, text in {**known, **given}.items()}
    if not missing(checked):
        checked.pop(WITHOUT, None)  # nothing is missing any more
    return {name: checked[name] for name in (*STATED, WITHOUT) if name in checked}


def missing(statement: Mapping[str, str]) -> list[str]:
    """Return the names of what is not stated."""
    return [name for name in STATED if name not in statement]


def check_statement(statement: Mapping[str, str]) -> None:
    """Raise PermanentError, which says what to give, if something is neither stated nor explained."""
    names = missing(statement)
    if names and WITHOUT not in statement:
        options = " ".join(f'{option_name(name)} "…"' for name in names)
        raise PermanentError(
            f"The card of the training set lacks {_listed(names)}. Give {_HOW.format(options=options)}."
        )


def _listed(names: list[str]) -> str:
    words = [name.replace("_", " ") for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _checked(name: str, text: str) -> str:
    plain = re.sub(r"\s+", " ", text).strip()
    if not plain or not plain.isprintable():
        raise PermanentError(f"{option_name(name)} needs words that can be printed.")
    if len(plain) > _MAX_CHARACTERS:
        raise PermanentError(f"{option_name(name)} has more than {_MAX_CHARACTERS} characters.")
    return plain
