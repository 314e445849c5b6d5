"""The README and the cards are held to the trigger files."""

import re

import pytest

from infra.cli import cli
from infra.provision.function_card import FunctionCard, function_cards
from tests.support.repository import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_functions_is_what_the_trigger_files_say() -> None:
    """The README's table has one row a function: what starts it, what it reads, what it writes."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", README, re.MULTILINE)
    expected = {(card.function, card.trigger, card.reads, card.writes) for card in function_cards()}
    assert expected == set(rows)


def test_the_table_is_on_the_first_screen() -> None:
    """The table stands within the README's first 45 lines."""
    line = README[: README.index("| `poll_nas` |")].count("\n")
    assert line < 45


@pytest.mark.parametrize("card", function_cards(), ids=lambda card: card.function)
def test_the_card_in_main_names_its_trigger(card: FunctionCard) -> None:
    """The docstring of main.py is a card whose trigger is the trigger file's."""
    docstring = card.source.read_text(encoding="utf-8").split('"""')[1]
    words = re.findall(r"[\w*/.-]+", card.trigger.replace("`", ""))
    trigger = re.search(r"^Trigger\s+(.+)$", docstring, re.MULTILINE)
    assert trigger
    assert all(word in trigger[1] for word in words)
    assert docstring.startswith(f"{card.function}: ")
    assert all(f"\n{name}" in docstring for name in ("Reads", "Writes", "Errors"))


def test_every_command_is_documented() -> None:
    """Every command of the command line has a row in docs/commands.md."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert {name for name in cli.commands if f"| `dcm2set {name}" not in page} == set()


def test_every_setting_is_documented_in_the_words_of_the_page() -> None:
    """docs/settings.md has a row for every setting under its heading, in the words of the page."""
    from common.settings import Settings
    from functions.review.settings.setting_list import settings_by_group

    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in page.split("\n## ")[1:])
    row = re.compile(r"^\| `(\w+)` \| .*? \| (.+) \|$", re.MULTILINE)
    rows = {heading: row.findall(text) for heading, _, text in parts}
    for heading, settings in settings_by_group(Settings()).items():
        expected = {each.variable: each.meaning for each in settings}
        plain = {name: re.sub(r" \(\[[^]]*\]\([^)]*\)\)|`", "", text) for name, text in rows[heading]}
        assert expected == plain


def test_every_column_of_a_training_set_is_documented() -> None:
    """docs/training-sets.md has a row for every column, with its type and its meaning in the dictionary."""
    from training_set.selection.image_columns import COLUMNS, column_description

    page = (ROOT / "docs" / "training-sets.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {kind} | {column_description(name)} |" for name, kind in COLUMNS.items()]
    assert [row for row in rows if row not in page] == []
