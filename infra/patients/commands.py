"""The commands about de-identification: pseudonyms, the report, the erasure of a patient."""

import re
import sys

import click

from infra.command_options import (
    database_url,
    decision_options,
    home_option,
    json_option,
    operator_store,
    print_result,
)
from infra.local.home import Home, read_endpoints


@click.command()
@home_option
@click.option("--issuer", default="", help="Issuer of Patient ID (0010,0021), if the files have one.")
@click.option("--space", help="A pseudonym space, if the database has several. Default: the current one.")
def pseudonym(home: Home, issuer: str, space: str | None) -> None:
    """Print the pseudonym of each patient id on standard input, one per line.

    The home must run. The key is DCM2SET_PSEUDONYM_KEY if it is set, otherwise the home's own; it must be the
    key of the home's database. Patient ids are not taken as arguments, because every user of the machine can
    see those.
    """
    from deidentification.pseudonym import Pseudonyms
    from infra.local.pseudonym_key import checked_keys, key_of_space

    keys, spaces = checked_keys(home, database_url(home))
    pseudonyms = Pseudonyms(keys.current if space is None else key_of_space(keys, spaces, space))
    for line in sys.stdin:
        if line.strip():
            click.echo(pseudonyms.patient(line, issuer, ""))


@click.command()
@home_option
@click.option("--folder", "number", type=int, help="Only this NAS folder, by its number.")
@json_option
def report(home: Home, number: int | None, as_json: bool) -> None:
    """Print, for each NAS folder, what was removed, shifted, kept, held and refused.

    The report is meant for the ethics file: it contains counts, and no data of a patient.
    """
    from infra.local.pseudonym_key import checked_keys
    from infra.patients.deidentification_report import read_report, report_text

    url = database_url(home)
    checked_keys(home, url)
    print_result(read_report(url, number), report_text, as_json=as_json)


@click.command()
@home_option
@click.option("--patient", required=True, help="The pseudonym, as dcm2set pseudonym prints it.")
@decision_options(why="Why the patient is erased; stored with your name.")
@json_option
@click.confirmation_option(prompt="Everything of this patient will be deleted. Go on?")
def erase(home: Home, patient: str, why: str, who: str, as_json: bool) -> None:
    """Remove a patient from every bucket and table, and refuse their files from then on.

    The NAS, backups and frozen training sets are not changed. An interrupted removal can be run again.
    Exit code 1 if a lock of the object store holds something, or a rule copies objects to another store.
    """
    from infra.local.pseudonym_key import checked_keys
    from infra.patients.erase import erase_patient
    from infra.patients.erase_text import erasure_text

    if not re.fullmatch("P[0-9a-f]{20}", patient):
        raise click.UsageError("--patient takes a pseudonym: P and 20 digits of 0-9 and a-f.")
    endpoints = read_endpoints(home)
    checked_keys(home, endpoints["database_url"])
    erasure = erase_patient(endpoints["database_url"], operator_store(endpoints), patient, who=who, why=why)
    print_result(erasure, erasure_text, as_json=as_json)
    sys.exit(0 if erasure.is_complete else 1)
