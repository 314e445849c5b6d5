"""The command that gives a running home another token."""

from pathlib import Path

import click

from infra.command_options import home_option
from infra.local.home import Home


@click.command("rotate-token")
@home_option
@click.option(
    "--overlap",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds for which the old token still counts, for clients that hold it.",
)
def rotate_token(folder: Path, overlap: float) -> None:
    """Give every function of a running home a new token; no request is refused meanwhile.

    Clients find the new one in endpoints.json. MinIO is started again to send it, which takes half
    a second; the functions go on.
    """
    from infra.local.token_rotation import rotate

    rotate(Home(folder.resolve()), overlap=overlap, tell=click.echo)
