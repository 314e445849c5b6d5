"""Commands that take a backup of both stores, and make a home out of one."""

from pathlib import Path

import click

from common.errors import SettingsError
from common.settings import load_settings
from infra.command_options import home_option, operator_store
from infra.local.home import Home, read_endpoints


@click.command()
@home_option
@click.argument("target", type=click.Path(path_type=Path))
def backup(folder: Path, target: Path) -> None:
    """Write a backup of the database and all objects into the new folder TARGET; the line goes on.

    It holds originals and the home's pseudonym key: keep it as closed as the bucket raw.
    """
    from infra.backup.backup import back_up

    home = Home(folder.resolve())
    endpoints = read_endpoints(home)
    if target.exists():
        raise SettingsError(f"{target} is there already; a backup goes into a new folder.")
    has_own_key = load_settings().pseudonym_key is None
    key = home.secrets().pseudonym_key if has_own_key else None
    card = back_up(endpoints, operator_store(endpoints), target, pseudonym_key=key)
    click.echo(f"{card.objects} objects, {card.bytes / 1024**2:.1f} MiB, as of {card.taken_at}.")


@click.command()
@home_option
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
def restore(folder: Path, source: Path) -> None:
    """Make the new home of --home out of the backup in SOURCE; then start it with dcm2set up."""
    from infra.backup.backup import read_card, restore_database, restore_objects
    from infra.local.runner import running_servers

    card, home = read_card(source), Home(folder.resolve())
    if home.folder.exists() and any(home.folder.iterdir()):
        raise SettingsError(f"{home.folder} is not empty; a backup is restored into a new home.")
    home.folder.mkdir(parents=True, exist_ok=True)
    if card.pseudonym_key is not None:
        home.keep_pseudonym_key(card.pseudonym_key)
    with running_servers(home, load_settings(), click.echo) as (url, store):
        restore_database(url, source)
        done = restore_objects(url, store, source)
    click.echo(
        f"{done.objects} objects restored, {done.put_back} of them to where the backup's database has them; "
        f"{done.left_out} left out that are made again. State of {card.taken_at}."
    )
    click.echo(f"Start it with: dcm2set up --home {home.folder}")
