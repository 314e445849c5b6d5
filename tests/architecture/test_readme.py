"""The README and the cards are held to the trigger files."""

import re
from pathlib import Path

import pytest

from infra.cli import cli
from infra.provision.function_card import FunctionCard, function_cards

ROOT = Path(__file__).resolve().parents[2]
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


def test_the_readme_names_every_command() -> None:
    """Every command of the command line is told in the README."""
    assert {name for name in cli.commands if f"dcm2set {name}" not in README} == set()


def test_the_readme_names_every_setting() -> None:
    """Every setting is told in docs/settings.md."""
    from common.settings import Settings, variable_name

    told = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert {name for name in Settings.model_fields if f"`{variable_name(name)}`" not in told} == set()
