"""Markdown of foreign text and tables."""

import re
from collections.abc import Iterable, Sequence


def cell(text: object) -> str:
    """Return foreign text as one table cell or paragraph: on one line and without markup."""
    plain = re.sub(r"\s+", " ", str(text))
    return re.sub(r"([\\`*_{}\[\]<>|#!$])", r"\\\1", plain)


def code(text: str) -> str:
    """Return foreign text as code if it has no signs of Markdown, otherwise as a table cell."""
    return f"`{text}`" if re.fullmatch(r"[\w .:/-]+", text) else cell(text)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table. Cells are Markdown already; numbers are written with separators."""
    lines = [header, ["---"] * len(header), *([_shown(value) for value in row] for row in rows)]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def bullets(sentences: Iterable[str]) -> str:
    """Return a list of foreign sentences."""
    return "".join(f"- {cell(sentence)}\n" for sentence in sentences)


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
