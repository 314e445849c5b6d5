"""Commands about the NAS."""

import sys
from pathlib import Path

import click
import orjson

from common.errors import SettingsError
from common.settings import Settings, load_settings
from infra.command_options import home_option
from infra.health.finding import are_good, findings_text
from infra.local.home import Home, read_endpoints


@click.group()
def nas() -> None:
    """Look at the NAS that DCM2SET_NAS_URL names."""


@nas.command()
@home_option
@click.option("--write", "may_write", is_flag=True, help="Also make, rename and remove one empty folder.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def check(folder: Path, may_write: bool, as_json: bool) -> None:
    """Try to log in, list, read and rename; tell free space, clock and folders. Exit code 1 if one fails.

    A login that succeeds lets poll_nas try again after a refusal.
    """
    from infra.nas.nas_check import check_nas

    settings = load_settings()
    findings = check_nas(settings, may_write=may_write, database_url=_database_url(settings, folder))
    click.echo(orjson.dumps(findings, option=orjson.OPT_INDENT_2) if as_json else findings_text(findings))
    sys.exit(0 if are_good(findings) else 1)


def _database_url(settings: Settings, folder: Path) -> str | None:
    """The database of the settings, or of the home if there is one."""
    if settings.database_url is not None:
        return settings.required("database_url")
    home = Home(folder.resolve())
    return str(read_endpoints(home)["database_url"]) if home.endpoints.exists() else None


@nas.command()
@click.option("--code", prompt="One-time code", hide_input=True, help="Asked for if not given.")
def trust(code: str) -> None:
    """Log in with a one-time code, once, and print the device id that stands for it from then on."""
    from common.nas.location import open_nas
    from common.nas.synology.nas import SynologyNas

    config = open_nas(load_settings(nas_otp_code=code, nas_device_id=None))
    if not isinstance(config, SynologyNas):
        raise SettingsError("DCM2SET_NAS_URL names a mounted share, which asks for no one-time code.")
    try:
        device_id = config.device_id()
    finally:
        config.close()
    if device_id is None:
        raise SettingsError("The NAS gave no device id; does the account ask for a one-time code at all?")
    click.echo(f"DCM2SET_NAS_DEVICE_ID={device_id}")
    click.echo("Keep it as the password is kept: with it the account needs no code.", err=True)
