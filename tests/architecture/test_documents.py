"""The documents: short lines, and links that lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT

GENERATED = {"licences.md"}
DOCUMENTS = sorted(
    path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")] if path.name not in GENERATED
)
MOST_COLUMNS = 120


def prose(path: Path) -> Iterator[str]:
    """The lines of a document that can be broken: outside tables and code blocks."""
    is_code = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith("|"):
            yield line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_line_is_long(path: Path) -> None:
    """A line of prose has at most 120 columns."""
    assert [] == [line for line in prose(path) if len(line) > MOST_COLUMNS]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_line_holds_one_sentence(path: Path) -> None:
    """A sentence begins on a line of its own, so that a change of one shows as one line."""
    begins = re.compile(r"(?<!\bno)(?<!\d)(?<![A-Z])\. +[A-Z](?![^`]*`[^`]*$)")
    assert [] == [line for line in prose(path) if begins.search(re.sub(r"`[^`]*`", "", line))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """A link to a file of the project names one that is there."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [] == [link for link in links if not (path.parent / link).exists()]
