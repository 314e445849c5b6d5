"""Commands about de-identification: pseudonyms, the report, the erasure of a patient."""

import getpass
import re
import sys
from pathlib import Path

import click
import orjson

from common.settings import load_settings
from infra.command_options import home_option, operator_store
from infra.local.home import Home, read_endpoints


@click.command()
@home_option
@click.option("--issuer", default="", help="IssuerOfPatientID, where the files have one.")
def pseudonym(folder: Path, issuer: str) -> None:
    """Tell the pseudonym of each patient id on standard input, one a line; for withdrawals of consent.

    With the key in DCM2SET_PSEUDONYM_KEY, else the home's own. Ids are not taken as arguments,
    which every user of a machine can see.
    """
    from deidentification.pseudonym import Pseudonyms

    home = Home(folder.resolve())
    key = load_settings().pseudonym_key
    pseudonyms = Pseudonyms(
        bytes.fromhex(key.get_secret_value() if key else home.known_secrets().pseudonym_key)
    )
    for line in sys.stdin:
        if line.strip():
            click.echo(pseudonyms.patient(line, issuer, ""))


@click.command()
@home_option
@click.option("--folder", "number", type=int, help="One NAS folder, by its number; else all.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def report(folder: Path, number: int | None, as_json: bool) -> None:
    """Tell of each NAS folder what was removed, shifted, kept, held and refused; for the ethics file."""
    from infra.patients.deidentification_report import read_report, report_text

    told = read_report(read_endpoints(Home(folder.resolve()))["database_url"], number)
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2) if as_json else report_text(told))


@click.command()
@home_option
@click.option("--patient", required=True, help="The pseudonym, as `dcm2set pseudonym` tells it.")
@click.option("--why", required=True, help="Why; kept with your name.")
@click.option("--who", default=getpass.getuser, show_default="your user name")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.confirmation_option(prompt="Everything of this patient will be deleted. Go on?")
def erase(folder: Path, patient: str, why: str, who: str, as_json: bool) -> None:
    """Remove a patient from every bucket and table, and take nothing of them again.

    The NAS is left alone. The removal can be cut off and run again.
    """
    from infra.patients.erase import erase_patient
    from infra.patients.erase_text import erasure_text

    if not re.fullmatch("P[0-9a-f]{20}", patient):
        raise click.UsageError("--patient takes a pseudonym: P and 20 digits of 0-9 and a-f.")
    endpoints = read_endpoints(Home(folder.resolve()))
    done = erase_patient(endpoints["database_url"], operator_store(endpoints), patient, who=who, why=why)
    told = orjson.dumps(vars(done), option=orjson.OPT_INDENT_2) if as_json else erasure_text(done)
    click.echo(told)
