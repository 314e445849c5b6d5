"""The command that makes an installation under Docker Compose."""

from pathlib import Path

import click

from infra.command_options import NEW_FOLDER


@click.command("init-compose")
@click.argument("folder", type=NEW_FOLDER, metavar="DIR")
@click.option(
    "--page-url",
    default="https://localhost",
    show_default=True,
    help="Address of the page for browsers; with localhost, only this machine reaches it.",
)
@click.option("--nas", "nas_url", default="", help="file:///path of the mounted share, or synology+https://…")
@click.option("--nas-user", default="", help="Synology account that reads the share.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="PEM file with the certificate of the page's host, its chain and its key; otherwise one is made.",
)
@click.option("--user", metavar="UID:GID", help="User of the containers; otherwise you, or 65532 for root.")
@click.option(
    "--update", is_flag=True, help="Copy this version's files to an installation, and make what is missing."
)
def init_compose(
    folder: Path,
    page_url: str,
    nas_url: str,
    nas_user: str,
    certificate: Path | None,
    user: str | None,
    *,
    update: bool,
) -> None:
    """Make an installation in DIR: secrets, settings, and the files for `docker compose up`.

    Secrets are files that only their owner can read. None is ever overwritten.
    """
    from infra.compose import installation

    owner = _owner(user) if user else None
    choices = installation.Choices(page_url, nas_url, nas_user, owner, certificate)
    make = installation.update if update else installation.create
    make(folder.absolute(), choices, click.echo)


def _owner(text: str) -> tuple[int, int]:
    uid, _, gid = text.partition(":")
    if not (uid.isascii() and uid.isdigit() and gid.isascii() and gid.isdigit()):
        raise click.BadParameter("expected two numbers, such as 1000:1000", param_hint="--user")
    if int(uid) == 0:
        raise click.BadParameter("no service runs as root", param_hint="--user")
    return int(uid), int(gid)
