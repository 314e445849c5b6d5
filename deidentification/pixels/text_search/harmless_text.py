"""Text that may stay in a picture: markers of sides and views, units, and short numbers."""

import re
from functools import cache
from pathlib import Path

from common.toml_file import read_toml
from deidentification.normal_form import spellings

_WORDS = Path(__file__).with_suffix(".toml")
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_MOST_DIGITS = 4  # in a line: enough for a scale, too few for a date, a time or an id


def is_harmless(line: str) -> bool:
    """Whether a line of text names nobody: only words of the list, and at most four digits in all."""
    (spelled, *_) = spellings(line)
    tokens = _TOKEN.findall(spelled)
    digits = sum(len(token) for token in tokens if token.isdigit())
    return digits <= _MOST_DIGITS and all(token.isdigit() or token in _words() for token in tokens)


@cache
def _words() -> frozenset[str]:
    table = read_toml(_WORDS, _WORDS.name)
    return frozenset(word for words in table.values() for word in words.split())
