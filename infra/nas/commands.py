"""The commands that check the NAS and register this machine there."""

import sys
from typing import TYPE_CHECKING

import click

from common.errors import SettingsError
from infra.command_options import database_url, home_option, json_option, print_result
from infra.local.home import Home

if TYPE_CHECKING:
    from common.settings import Settings


@click.group()
def nas() -> None:
    """Check the NAS that DCM2SET_NAS_URL names, and log in there."""


@nas.command()
@home_option
@click.option("--write", "may_write", is_flag=True, help="Also create, rename and remove one empty folder.")
@json_option
def check(home: Home, may_write: bool, as_json: bool) -> None:
    """Try to log in, list, read and rename; print free space, clock and folders.

    Exit code 1 if one of them fails. A successful login lets poll_nas log in again after a refusal.
    """
    from common.settings import load_settings
    from infra.health.finding import are_good, findings_text
    from infra.nas.nas_check import check_nas

    settings = load_settings()
    findings = check_nas(settings, may_write=may_write, database_url=_database_url(settings, home))
    print_result(findings, findings_text, as_json=as_json)
    sys.exit(0 if are_good(findings) else 1)


def _database_url(settings: "Settings", home: Home) -> str | None:
    """The database of the settings, or of the home if it runs."""
    if settings.database_url is not None:
        return settings.required("database_url")
    return database_url(home) if home.endpoints.exists() else None


@nas.command()
@click.option("--code", prompt="One-time code", hide_input=True, help="The command asks if it is not given.")
def trust(code: str) -> None:
    """Log in once with a one-time code, and print the device id that replaces the code from then on."""
    from common.nas.location import open_nas
    from common.nas.synology.nas import SynologyNas
    from common.settings import load_settings

    synology = open_nas(load_settings(nas_otp_code=code, nas_device_id=None))
    if not isinstance(synology, SynologyNas):
        raise SettingsError("DCM2SET_NAS_URL names a mounted share, which needs no one-time code.")
    try:
        device_id = synology.device_id()
    finally:
        synology.close()
    if device_id is None:
        raise SettingsError("The NAS returned no device id. Does the account need a one-time code?")
    click.echo(f"DCM2SET_NAS_DEVICE_ID={device_id}")
    click.echo("Keep it as secret as the password: with it the account needs no code.", err=True)
