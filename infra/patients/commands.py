"""The commands about de-identification: pseudonyms, the report, the erasure of a patient."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.command_options import (
    Command,
    connected,
    database_url,
    home_option,
    json_option,
    operator_endpoints,
    operator_store,
    print_result,
    who_option,
    why_option,
)
from infra.local.home import Home

if TYPE_CHECKING:
    from deidentification.pseudonym import Pseudonyms


def _table_options(command: Command) -> Command:
    """Options of a CSV of clinical data."""
    options = (
        click.option("--column", help="Read a CSV instead: the column that holds the patient ids, by name."),
        click.option(
            "--with-id", is_flag=True, help="With --column: keep the patient ids beside the pseudonyms."
        ),
        click.option(
            "--shift-dates",
            "dates",
            multiple=True,
            metavar="COLUMN",
            help="With --column: shift the dates of this column as those of the patient's images; may be "
            "repeated.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            help="With --column: the CSV to write, for its owner only.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@home_option
@click.option("--issuer", default="", help="Issuer of Patient ID (0010,0021), if the files have one.")
@click.option("--space", help="A pseudonym space, if the database has several. Default: the current one.")
@_table_options
def pseudonym(
    home: Home,
    issuer: str,
    space: str | None,
    column: str | None,
    with_id: bool,
    dates: tuple[str, ...],
    out: Path | None,
) -> None:
    """Print the pseudonym of each patient id on standard input, one per line.

    With --column, standard input is a CSV with a header, and --out receives it with the pseudonyms in a
    column patient_id, by which it is joined with a training set. The patient ids are left out unless
    --with-id keeps them. Nothing is written if a line is wrong; the error names line and column.

    The home must run. The key is DCM2SET_PSEUDONYM_KEY if it is set, otherwise the home's own; it must be the
    key of the home's database. Patient ids are not taken as arguments, because every user of the machine can
    see those.
    """
    from deidentification.pseudonym import Pseudonyms
    from infra.local.pseudonym_key import checked_keys, key_of_space

    if (column is None) != (out is None):
        raise click.UsageError("--column and --out need each other.")
    if column is None and (with_id or dates):
        raise click.UsageError("--with-id and --shift-dates need --column, the column of the patient ids.")
    keys, spaces = checked_keys(home, database_url(home))
    pseudonyms = Pseudonyms(keys.current if space is None else key_of_space(keys, spaces, space))
    if column is not None and out is not None:
        _write_table(column, dates, out, pseudonyms, issuer, with_id=with_id)
        return
    for line in sys.stdin:
        if line.strip():
            click.echo(pseudonyms.patient(line, issuer, ""))


def _write_table(
    column: str, dates: tuple[str, ...], out: Path, pseudonyms: "Pseudonyms", issuer: str, *, with_id: bool
) -> None:
    """Write the CSV on standard input with pseudonyms and shifted dates."""
    from infra.patients.clinical_table import Columns, pseudonymous_table
    from infra.patients.private_file import write_private

    body, unshifted = pseudonymous_table(
        sys.stdin.buffer.read(),
        Columns(column, dates, keeps_id=with_id),
        lambda patient_id: pseudonyms.patient(patient_id, issuer, ""),
        pseudonyms.shifted,
    )
    write_private(out, body)
    _warn_of_dates(unshifted)


def _warn_of_dates(columns: list[str]) -> None:
    """Say which columns look like dates and were not shifted."""
    if columns:
        names = ", ".join(columns)
        click.echo(
            f"Columns that look like dates and were not shifted: {names}. A true date beside a shifted one "
            "tells how a patient's dates are shifted; shift these too, or remove them.",
            err=True,
        )


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
@click.option("--patient", help="The pseudonym, as dcm2set pseudonym prints it.")
@why_option(help_text="Why the patient is erased; stored with your name.")
@who_option
@click.option("--asked", is_flag=True, help="Carry out what was asked for on the page, and nothing else.")
@click.option("--follow", is_flag=True, help="With --asked: go on until SIGTERM, as dcm2set up does.")
@click.option("--yes", is_flag=True, help="Do not ask before the patient is erased.")
@json_option
def erase(
    home: Home,
    patient: str | None,
    why: str | None,
    who: str,
    asked: bool,
    follow: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove a patient from every bucket and table, and refuse their files from then on.

    The NAS, backups and frozen training sets are not changed. An interrupted removal can be run again.
    Exit code 1 if a lock of the object store holds something, or a rule copies objects to another store.

    With --asked, the erasures that were asked for on the page are carried out, as dcm2set up does it; exit
    code 1 if one of them was not, or something is left.
    """
    from infra.local.pseudonym_key import checked_keys
    from oversight.erasure.requests import EXPECTED, PSEUDONYM

    if asked in {patient is not None, why is not None}:
        raise click.UsageError("Give either --patient and --why, or --asked.")
    if follow and not asked:
        raise click.UsageError("--follow needs --asked.")
    if patient is not None and not PSEUDONYM.fullmatch(patient):
        raise click.UsageError(f"--patient takes a pseudonym. {EXPECTED}")
    if patient is not None and not yes:
        click.confirm("Everything of this patient will be deleted. Go on?", abort=True)
    endpoints = operator_endpoints(home)
    checked_keys(home, endpoints["database_url"])
    if follow:
        _erase_when_asked(endpoints)
    elif patient is None or why is None:
        _erase_asked(endpoints, as_json=as_json)
    else:
        _erase_patient(endpoints, patient, who=who, why=why, as_json=as_json)


def _erase_patient(endpoints: dict[str, Any], patient: str, *, who: str, why: str, as_json: bool) -> None:
    from common.errors import TransientError
    from infra.erasure.asked_erasures import erase_now
    from oversight.erasure.erasure_text import erasure_text

    attempt = erase_now(endpoints["database_url"], operator_store(endpoints), patient, who=who, why=why)
    if attempt.cause is not None:
        again = "It is tried again while dcm2set up runs; or run it again."
        raise TransientError(f"{attempt.cause} {again if attempt.is_temporary else ''}".strip())
    print_result(attempt.erasure, erasure_text, as_json=as_json)
    sys.exit(0 if attempt.erasure.is_complete else 1)


def _erase_asked(endpoints: dict[str, Any], *, as_json: bool) -> None:
    from common.settings import load_settings
    from infra.erasure.asked_erasures import Attempt, carry_out_due

    def text(attempts: list[Attempt]) -> str:
        return "\n".join(attempt.text for attempt in attempts) or "No erasure is due."

    url, store = endpoints["database_url"], operator_store(endpoints)
    attempts = list(carry_out_due(url, store, undo_seconds=load_settings().undo_seconds))
    print_result(attempts, text, as_json=as_json)
    sys.exit(1 if any(each.cause is not None or not each.erasure.is_complete for each in attempts) else 0)


def _erase_when_asked(endpoints: dict[str, Any]) -> None:
    from common.process.end_signal import ended_by_signal
    from common.settings import load_settings
    from infra.erasure.asked_erasures import erasing_when_asked

    url, store, ended = endpoints["database_url"], operator_store(endpoints), ended_by_signal()
    with erasing_when_asked(url, store, undo_seconds=load_settings().undo_seconds, say=click.echo):
        click.echo("Erasures that are asked for are carried out.")
        ended.wait()


@click.command()
@home_option
@click.option("--most", default=20, show_default=True, type=click.IntRange(min=1), help="The newest so many.")
@json_option
def erasures(home: Home, most: int, as_json: bool) -> None:
    """Show the erasures that were asked for, with what was found and what is left; the newest first."""
    from oversight.erasure.erasure_text import request_text
    from oversight.erasure.requests import ErasureRequest, listed

    def text(requests: list[ErasureRequest]) -> str:
        return "\n".join(map(request_text, requests)) or "No erasure was asked for."

    with connected(home) as (connection, _):
        found = listed(connection, most=most)
    print_result(found, text, as_json=as_json)
