"""The commands that back up a home, and restore a backup into a new one."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from common.errors import SettingsError
from infra.command_options import EXISTING_FOLDER, OBJECTS_MISSING, home_option, operator_store
from infra.local.home import Home, read_endpoints

if TYPE_CHECKING:
    from common.reconcile.difference import Difference

_MOST_LISTED = 50


@click.command()
@home_option
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--without-missing", is_flag=True, help="Accept that objects are missing or damaged: exit code 0."
)
def backup(home: Home, target: Path, *, without_missing: bool) -> None:
    """Write a backup of the database and all objects into the new folder TARGET.

    The objects are checked against the rows. Those that are missing or damaged are listed, the others are
    in the backup, and the exit code is 3.

    The pipeline continues meanwhile. The backup contains originals and the home's pseudonym key: protect
    it as well as the bucket raw.
    """
    from deidentification.pseudonym import Pseudonyms
    from infra.backup.backup import back_up
    from infra.local.pseudonym_key import checked_keys

    endpoints = read_endpoints(home)
    if target.exists():
        raise SettingsError(f"{target} exists already; a backup is written into a new folder.")
    keys, spaces = checked_keys(home, endpoints["database_url"])
    own = home.secrets().pseudonym_key
    is_used = Pseudonyms(bytes.fromhex(own)).key_check in {space.key_check for space in spaces}
    card, lacking = back_up(
        endpoints,
        operator_store(endpoints),
        target,
        pseudonym_key=own if is_used else None,
        key_check=keys.key_check,
    )
    click.echo(f"{card.objects} objects, {card.bytes / 1024**2:.1f} MiB, as of {card.taken_at}.")
    for line in lacking_lines(lacking):
        click.echo(line, err=True)
    sys.exit(OBJECTS_MISSING if lacking and not without_missing else 0)


def lacking_lines(lacking: "Sequence[Difference]") -> Iterator[str]:
    """What a backup lacks, one line for each object, up to a limit."""
    for each in lacking[:_MOST_LISTED]:
        yield f"{each.kind}: {each.what.replace('_', ' ')} {each.where}"
    if len(lacking) > _MOST_LISTED:
        yield f"and {len(lacking) - _MOST_LISTED} more"
    if lacking:
        yield f"{len(lacking)} object(s) are not in the backup; dcm2set reconcile shows how to mend each."


@click.command()
@home_option
@click.argument("source", type=EXISTING_FOLDER)
def restore(home: Home, source: Path) -> None:
    """Restore the backup in SOURCE into the new home --home; then start it with dcm2set up."""
    from common.settings import load_settings
    from infra.backup.backup import read_card, restore_database, restore_objects
    from infra.local.runner import running_servers
    from infra.provision.pseudonym_space import known_keys

    card = read_card(source)
    if home.folder.exists() and any(home.folder.iterdir()):
        raise SettingsError(f"{home.folder} is not empty; a backup is restored into a new home.")
    settings = load_settings()
    if card.key_check not in {None, known_keys(settings, card.pseudonym_key).key_check}:
        raise SettingsError(
            "The backup has another pseudonym key: set DCM2SET_PSEUDONYM_KEY to the one that was in use then."
        )
    home.folder.mkdir(parents=True, exist_ok=True)
    if card.pseudonym_key is not None:
        home.set_pseudonym_key(card.pseudonym_key)
    with running_servers(home, settings, click.echo) as (url, store):
        restore_database(url, source)
        restored = restore_objects(url, store, source)
    click.echo(f"Restored the state of {card.taken_at}.")
    click.echo(
        f"{restored.objects} objects restored, {restored.put_back} of them to their location at that time; "
        f"{restored.left_out} left out, which the pipeline writes again."
    )
    click.echo(f"Start the home with: dcm2set up --home {home.folder}")
