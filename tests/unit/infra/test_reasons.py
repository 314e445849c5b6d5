"""Every command that stores a reason refuses one that says nothing."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from infra.cli import cli

_WORDS = {
    "release": ["--item", "1"],
    "refuse": ["--item", "1"],
    "resolve": ["--item", "1", "--keep", "this"],
    "erase": ["--patient", "P" + "0" * 20],
    "quality set": ["key", "good"],
    "quality calibrate": ["--apply"],
    "reconcile": ["--forget", "1"],
}


def _with_reason(command: click.Command, name: str = "") -> Iterator[str]:
    """The names of the commands with the option --why."""
    if isinstance(command, click.Group):
        for word, each in command.commands.items():
            yield from _with_reason(each, f"{name} {word}".strip())
    elif any("--why" in option.opts for option in command.params):
        yield name


def test_every_command_with_a_reason_is_tested() -> None:
    """A new command with --why needs its line here."""
    assert set(_WORDS) == set(_with_reason(cli))


@pytest.mark.parametrize("reason", ["", "   ", "-", "…"])
@pytest.mark.parametrize("name", _WORDS)
def test_a_reason_that_says_nothing_is_refused(name: str, reason: str) -> None:
    """The command ends before it looks for a home, and says what is missing."""
    done = CliRunner().invoke(cli, [*name.split(), *_WORDS[name], "--why", reason, "--home", "/nowhere"])
    assert (2, True) == (done.exit_code, "say why in words" in done.output), done.output
